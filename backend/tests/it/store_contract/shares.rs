//! Links to jobs.

use backend::{AddedShare, Backend, Retried, Written};
use domain::{Job, JobId, Share, ShareId, WallTime};

use super::edits::typed;
use super::{append, claimed, completed, created, get};
use crate::{contract, in_an_hour, new_id, new_job, spec};

contract![
    a_link_is_found_and_listed,
    a_link_leaves_the_job_as_it_is,
    a_repeated_link_is_success,
    a_revoked_link_is_gone_and_the_others_stay,
    a_link_is_revoked_by_its_own_job_only,
    a_link_past_its_time_does_not_exist,
    a_job_has_so_many_links_and_no_more,
    of_many_links_at_once_as_many_as_fit_are_taken,
    links_outlive_a_retry,
    links_go_with_their_job,
    a_gone_job_takes_no_link,
    links_cues_and_corrections_do_not_hinder_each_other,
];

fn share() -> Share {
    let now = WallTime::now();
    Share {
        id: ShareId::from_bits(rand::random()),
        digest: format!("{:064x}", rand::random::<u128>()),
        created_at: now,
        expires_at: Some(now + std::time::Duration::from_secs(600)),
    }
}

async fn add(backend: &Backend, id: JobId) -> Share {
    let share = share();
    assert_eq!(backend.store.add_share(id, &share).await.unwrap(), AddedShare::Done);
    share
}

async fn listed(backend: &Backend, id: JobId) -> Vec<Share> {
    backend.store.shares(id).await.unwrap().expect("the job is there")
}

async fn found(backend: &Backend, share: &Share) -> Option<(JobId, Share)> {
    backend.store.find_share(share.id).await.unwrap()
}

async fn a_link_is_found_and_listed(backend: &Backend) {
    let (job, other) = (completed(backend).await, created(backend).await);
    let first = add(backend, job.id).await;
    let endless = Share { expires_at: None, ..share() };
    assert_eq!(backend.store.add_share(job.id, &endless).await.unwrap(), AddedShare::Done);
    let elsewhere = add(backend, other.id).await;
    assert_eq!(listed(backend, job.id).await, [first.clone(), endless.clone()]);
    assert_eq!(listed(backend, other.id).await, [elsewhere]);
    assert_eq!(found(backend, &first).await, Some((job.id, first)));
    assert_eq!(found(backend, &endless).await, Some((job.id, endless)));
    assert_eq!(found(backend, &share()).await, None);
}

async fn a_link_leaves_the_job_as_it_is(backend: &Backend) {
    let job = completed(backend).await;
    let share = add(backend, job.id).await;
    assert_eq!(get(backend, job.id).await, job);
    assert!(backend.store.revoke_share(job.id, share.id).await.unwrap());
    assert_eq!(get(backend, job.id).await, job);
}

async fn a_repeated_link_is_success(backend: &Backend) {
    let job = created(backend).await;
    let share = add(backend, job.id).await;
    assert_eq!(backend.store.add_share(job.id, &share).await.unwrap(), AddedShare::Done);
    assert_eq!(listed(backend, job.id).await, [share]);
}

async fn a_revoked_link_is_gone_and_the_others_stay(backend: &Backend) {
    let job = completed(backend).await;
    let (first, second) = (add(backend, job.id).await, add(backend, job.id).await);
    assert!(backend.store.revoke_share(job.id, first.id).await.unwrap());
    assert!(!backend.store.revoke_share(job.id, first.id).await.unwrap());
    assert_eq!(found(backend, &first).await, None);
    assert_eq!(found(backend, &second).await, Some((job.id, second.clone())));
    assert_eq!(listed(backend, job.id).await, [second]);
}

async fn a_link_is_revoked_by_its_own_job_only(backend: &Backend) {
    let (job, other) = (completed(backend).await, completed(backend).await);
    let share = add(backend, job.id).await;
    assert!(!backend.store.revoke_share(other.id, share.id).await.unwrap());
    assert_eq!(found(backend, &share).await, Some((job.id, share)));
}

async fn a_link_past_its_time_does_not_exist(backend: &Backend) {
    let job = completed(backend).await;
    let past = Share { expires_at: Some(WallTime::now()), ..share() };
    assert_eq!(backend.store.add_share(job.id, &past).await.unwrap(), AddedShare::Done);
    assert_eq!(found(backend, &past).await, None);
    assert_eq!(listed(backend, job.id).await, []);
    assert!(!backend.store.revoke_share(job.id, past.id).await.unwrap());
}

async fn a_job_has_so_many_links_and_no_more(backend: &Backend) {
    let job = completed(backend).await;
    let past = Share { expires_at: Some(WallTime::now()), ..share() };
    backend.store.add_share(job.id, &past).await.unwrap();
    // The one past its time counts nowhere.
    let mut shares = Vec::new();
    for _ in 0..Share::MOST {
        shares.push(add(backend, job.id).await);
    }
    let late = share();
    assert_eq!(backend.store.add_share(job.id, &late).await.unwrap(), AddedShare::Full);
    assert_eq!(found(backend, &late).await, None);
    assert_eq!(listed(backend, job.id).await, shares);
    assert_eq!(backend.store.add_share(job.id, &shares[7]).await.unwrap(), AddedShare::Done);
    assert!(backend.store.revoke_share(job.id, shares[7].id).await.unwrap());
    assert_eq!(backend.store.add_share(job.id, &late).await.unwrap(), AddedShare::Done);
}

async fn of_many_links_at_once_as_many_as_fit_are_taken(backend: &Backend) {
    let job = completed(backend).await;
    for _ in 0..Share::MOST - 2 {
        add(backend, job.id).await;
    }
    let shares: Vec<Share> = (0..6).map(|_| share()).collect();
    let adding = shares.iter().map(|share| backend.store.add_share(job.id, share));
    let added = futures::future::join_all(adding).await;
    for (added, share) in added.iter().zip(&shares) {
        let is_done = *added.as_ref().unwrap() == AddedShare::Done;
        assert_eq!(found(backend, share).await.is_some(), is_done);
    }
    let done = added.iter().filter(|added| *added.as_ref().unwrap() == AddedShare::Done);
    assert_eq!((done.count(), listed(backend, job.id).await.len()), (2, Share::MOST));
}

async fn links_outlive_a_retry(backend: &Backend) {
    let job = completed(backend).await;
    let share = add(backend, job.id).await;
    let retried = backend.store.retry(job.id, &spec(), in_an_hour()).await.unwrap();
    assert!(matches!(retried, Retried::Queued(_)));
    assert_eq!(listed(backend, job.id).await, std::slice::from_ref(&share));
    assert_eq!(found(backend, &share).await, Some((job.id, share)));
}

async fn links_go_with_their_job(backend: &Backend) {
    let job = completed(backend).await;
    let share = add(backend, job.id).await;
    backend.store.delete(job.id).await.unwrap();
    assert_eq!(found(backend, &share).await, None);
    assert_eq!(backend.store.shares(job.id).await.unwrap(), None);

    // An end in the past ends the links with the job; a job made anew under its id has none of them.
    let job = claimed(backend).await;
    let share = add(backend, job.id).await;
    let outcome = backend::Outcome { expires_at: WallTime::now(), ..super::success() };
    backend.store.finish(job.id, job.attempt, None, &outcome).await.unwrap();
    assert_eq!(found(backend, &share).await, None);
    backend.store.create(&Job { id: job.id, ..new_job() }, None).await.unwrap();
    assert_eq!(found(backend, &share).await, None);
    assert_eq!(listed(backend, job.id).await, []);
}

async fn a_gone_job_takes_no_link(backend: &Backend) {
    let (id, share) = (new_id(), share());
    assert_eq!(backend.store.add_share(id, &share).await.unwrap(), AddedShare::Gone);
    assert_eq!(backend.store.shares(id).await.unwrap(), None);
    assert!(!backend.store.revoke_share(id, share.id).await.unwrap());
    assert_eq!(found(backend, &share).await, None);
}

async fn links_cues_and_corrections_do_not_hinder_each_other(backend: &Backend) {
    let job = claimed(backend).await;
    let pages = async {
        for number in 0..5 {
            assert!(matches!(append(backend, &job, number).await, Written::At(_)));
        }
    };
    let links = async {
        let kept = add(backend, job.id).await;
        for _ in 0..4 {
            let share = add(backend, job.id).await;
            assert!(backend.store.revoke_share(job.id, share.id).await.unwrap());
        }
        kept
    };
    let saves = async {
        for expected in 0..3 {
            let saved = backend.store.save_corrections(job.id, expected, &typed("mine")).await.unwrap();
            assert!(matches!(saved, backend::SavedCorrections::Done(_)));
        }
    };
    let ((), kept, ()) = futures::join!(pages, links, saves);
    let read = backend.store.read(job.id).await.unwrap().expect("the job is there");
    assert_eq!((read.pages.len(), read.job.progress.corrections), (5, 3));
    assert_eq!(read.corrections, typed("mine"));
    assert_eq!(listed(backend, job.id).await, [kept]);
}
