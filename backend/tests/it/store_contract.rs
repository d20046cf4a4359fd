//! The store: the truth about jobs and their cues.

mod attempts;
mod edits;
mod life;
mod listings;
mod releases;
mod shares;
mod turns;
mod workers;

use backend::{Backend, Claim, Finished, Outcome, Written};
use domain::{
    Corrections, Cue, CuePage, Failure, Heard, Job, JobId, JobStatus, Progress, Stage, Timestamp, Version,
    WallTime, Word,
};

use crate::{in_an_hour, new_job};

/// Stores a new job.
async fn created(backend: &Backend) -> Job {
    let job = new_job();
    assert_eq!(backend.store.create(&job, None).await.unwrap(), backend::Created::New);
    job
}

/// Stores a new job and takes it for its first attempt.
async fn claimed(backend: &Backend) -> Job {
    let id = created(backend).await.id;
    claim(backend, id).await
}

async fn completed(backend: &Backend) -> Job {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    match backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap() {
        Finished::First(job) => *job,
        other => panic!("not the first end: {other:?}"),
    }
}

/// Each attempt is for a later delivery of one message.
async fn claim(backend: &Backend, id: JobId) -> Job {
    let receive_count = get(backend, id).await.attempt + 1;
    match backend.store.claim(id, crate::MESSAGE, receive_count).await.unwrap() {
        Claim::Won(job) => *job,
        other => panic!("not won: {other:?}"),
    }
}

async fn append(backend: &Backend, job: &Job, number: u32) -> Written {
    backend.store.append_cues(job.id, job.attempt, &page(number), &transcribing(0.5)).await.unwrap()
}

async fn get(backend: &Backend, id: JobId) -> Job {
    backend.store.get(id).await.unwrap().expect("the job is there")
}

async fn expect_gone(backend: &Backend, id: JobId) {
    assert_eq!(backend.store.get(id).await.unwrap(), None);
    assert_eq!(backend.store.pages(id, 0).await.unwrap(), []);
    assert_eq!(backend.store.read(id).await.unwrap(), None);
}

async fn corrections(backend: &Backend, id: JobId) -> Corrections {
    backend.store.read(id).await.unwrap().expect("the job is there").corrections
}

/// The version after so many changes.
pub fn later(version: Version, changes: u32) -> Version {
    (0..changes).fold(version, |version, _| Job::next_version(version))
}

/// Ten seconds of media with two cues.
pub fn page(number: u32) -> CuePage {
    let start = u64::from(number) * 10_000;
    let word = |from: u64, text: &str| Word {
        start: Timestamp(from),
        end: Timestamp(from + 900),
        text: text.into(),
        probability: 0.1,
    };
    let cue = |from: u64, text: &str| Cue {
        start: Timestamp(from),
        end: Timestamp(from + 4_000),
        text: text.into(),
        doubts: vec![(0, 2)],
    };
    CuePage {
        number,
        version: 0,
        start: Timestamp(start),
        end: Timestamp(start + 10_000),
        words: vec![word(start, "Grüße"), word(start + 5_000, "\u{1F44B}")],
        cues: vec![cue(start, "Grüße"), cue(start + 5_000, "\u{1F44B}\n--> &amp;")],
        open: Some(Heard { words: vec![word(start + 9_000, "ça")], until: Timestamp(start + 10_000) }),
        peaks: "AZ_-09".into(),
    }
}

pub fn transcribing(fraction: f32) -> Progress {
    Progress { stage: Stage::Transcribing, fraction, ..Progress::default() }
}

pub fn success() -> Outcome {
    Outcome {
        failure: None,
        counted: None,
        progress: transcribing(0.9),
        finished_at: WallTime::now(),
        expires_at: in_an_hour(),
    }
}

pub fn failure() -> Outcome {
    Outcome { failure: Some(Failure::MediaTooLong { limit_ms: 7_200_000 }), ..success() }
}

fn assert_ended(job: &Job, status: JobStatus) {
    assert_eq!(job.status, status);
    assert_eq!(job.progress.stage, Stage::Done);
    assert_eq!(job.failure.is_some(), status == JobStatus::Failed);
    assert!(job.finished_at.is_some());
}
