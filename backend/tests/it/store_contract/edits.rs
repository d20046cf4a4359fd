//! Corrections by people.

use backend::{Backend, SavedCorrections, Written};
use domain::correction::Revision;
use domain::{Corrections, Job, JobId, Track};

use super::{append, claimed, completed, corrections, created, get, later, page};
use crate::contract;

contract![
    corrections_are_read_back,
    who_saves_second_is_told_of_a_conflict,
    a_repeated_save_is_success,
    a_job_takes_corrections_whatever_it_does,
    a_worker_goes_on_over_corrections,
    one_of_many_saves_at_once_wins,
];

async fn save(backend: &Backend, id: JobId, expected: Revision, text: &str) -> SavedCorrections {
    backend.store.save_corrections(id, expected, &typed(text)).await.unwrap()
}

/// The job at this save, which is the next version of it.
fn saved(job: &Job, revision: Revision) -> SavedCorrections {
    let mut job = job.clone();
    job.version = later(job.version, revision - job.progress.corrections);
    job.progress.corrections = revision;
    SavedCorrections::Done(Box::new(job))
}

async fn corrections_are_read_back(backend: &Backend) {
    let job = completed(backend).await;
    assert!(corrections(backend, job.id).await.is_empty());
    for (before, text) in [(0, "first"), (1, "second"), (2, "")] {
        assert_eq!(save(backend, job.id, before, text).await, saved(&job, before + 1));
        assert_eq!(corrections(backend, job.id).await, typed(text));
        assert_eq!(get(backend, job.id).await.version, later(job.version, before + 1));
    }
}

async fn who_saves_second_is_told_of_a_conflict(backend: &Backend) {
    let job = completed(backend).await;
    save(backend, job.id, 0, "mine").await;
    for expected in [0, 2, Revision::MAX] {
        let now = Box::new(get(backend, job.id).await);
        assert_eq!(save(backend, job.id, expected, "yours").await, SavedCorrections::Conflict(now));
    }
    assert_eq!(corrections(backend, job.id).await, typed("mine"));
}

async fn a_repeated_save_is_success(backend: &Backend) {
    let job = completed(backend).await;
    for _ in 0..2 {
        assert_eq!(save(backend, job.id, 0, "mine").await, saved(&job, 1));
    }
}

async fn a_job_takes_corrections_whatever_it_does(backend: &Backend) {
    for job in [created(backend).await, claimed(backend).await] {
        assert_eq!(save(backend, job.id, 0, "mine").await, saved(&job, 1));
        assert_eq!(corrections(backend, job.id).await, typed("mine"));
        assert_eq!(get(backend, job.id).await.status, job.status);
    }
}

async fn a_worker_goes_on_over_corrections(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    save(backend, job.id, 0, "mine").await;
    assert_eq!(append(backend, &job, 1).await, Written::At(later(job.version, 3)));
    let read = backend.store.read(job.id).await.unwrap().expect("the job is there");
    assert_eq!((read.job.progress.pages, read.job.progress.corrections), (2, 1));
    assert_eq!((read.pages.len(), read.corrections), (2, typed("mine")));
}

async fn one_of_many_saves_at_once_wins(backend: &Backend) {
    let job = completed(backend).await;
    let texts: Vec<String> = (0..10).map(|number: u32| number.to_string()).collect();
    let saves = texts.iter().map(|text| save(backend, job.id, 0, text));
    let results = futures::future::join_all(saves).await;
    let winners: Vec<usize> = (0..10).filter(|index| results[*index] == saved(&job, 1)).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(corrections(backend, job.id).await, typed(&texts[winners[0]]));
}

pub fn typed(text: &str) -> Corrections {
    let mut cues = page(0).cues;
    cues[0].text = text.into();
    Corrections::whole(&Track::new(None, cues).unwrap())
}
