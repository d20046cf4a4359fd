//! Corrections by people.

use backend::{Backend, SavedTrack};
use domain::{Track, Version};

use super::{claimed, completed, created, get, later, page, saved_track};
use crate::contract;

contract![
    a_saved_track_is_read_back,
    who_saves_second_is_told_of_a_conflict,
    a_repeated_save_is_success,
    only_a_completed_job_takes_edits,
    one_of_many_saves_at_once_wins,
];

async fn a_saved_track_is_read_back(backend: &Backend) {
    let job = completed(backend).await;
    assert_eq!(saved_track(backend, job.id).await, None);
    let mut version = job.version;
    for text in ["first", "second", ""] {
        let track = track(text);
        let saved = backend.store.save_track(job.id, version, &track).await.unwrap();
        version = later(version, 1);
        assert_eq!(saved, SavedTrack::At(version));
        assert_eq!(saved_track(backend, job.id).await, Some(track));
        assert_eq!(get(backend, job.id).await.version, version);
    }
}

async fn who_saves_second_is_told_of_a_conflict(backend: &Backend) {
    let job = completed(backend).await;
    backend.store.save_track(job.id, job.version, &track("mine")).await.unwrap();
    for expected in [0, job.version, later(job.version, 2), Version::MAX] {
        let saved = backend.store.save_track(job.id, expected, &track("yours")).await.unwrap();
        assert_eq!(saved, SavedTrack::Conflict(later(job.version, 1)));
    }
    assert_eq!(saved_track(backend, job.id).await, Some(track("mine")));
}

async fn a_repeated_save_is_success(backend: &Backend) {
    let job = completed(backend).await;
    for _ in 0..2 {
        let saved = backend.store.save_track(job.id, job.version, &track("mine")).await.unwrap();
        assert_eq!(saved, SavedTrack::At(later(job.version, 1)));
    }
}

async fn only_a_completed_job_takes_edits(backend: &Backend) {
    for job in [created(backend).await, claimed(backend).await] {
        let saved = backend.store.save_track(job.id, job.version, &track("mine")).await.unwrap();
        assert_eq!(saved, SavedTrack::NotCompleted);
    }
}

async fn one_of_many_saves_at_once_wins(backend: &Backend) {
    let job = completed(backend).await;
    let tracks: Vec<Track> = (0..10).map(|number| track(&number.to_string())).collect();
    let saves = tracks.iter().map(|track| backend.store.save_track(job.id, job.version, track));
    let saved = futures::future::try_join_all(saves).await.unwrap();
    let winners: Vec<usize> =
        (0..10).filter(|index| saved[*index] == SavedTrack::At(later(job.version, 1))).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(saved_track(backend, job.id).await.as_ref(), Some(&tracks[winners[0]]));
}

fn track(text: &str) -> Track {
    let mut cues = page(0).cues;
    cues[0].text = text.into();
    Track::new(Some("de".into()), cues).unwrap()
}
