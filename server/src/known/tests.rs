use domain::{JobSpec, Profile, Progress, Source, Stage, Task};

use super::*;

async fn known_jobs() -> (tempfile::TempDir, KnownJobs) {
    let folder = tempfile::tempdir().unwrap();
    let config = backend::BackendConfig {
        backend: backend::BackendKind::Embedded,
        data: folder.path().to_owned(),
        max_receive_count: 10,
        aws: Default::default(),
    };
    let known = KnownJobs::new(backend::connect(&config).await.unwrap().store);
    known.follow(true);
    (folder, known)
}

fn job(version: Version) -> Job {
    let spec = JobSpec {
        source: Source::Link { url: "http://example.com/a.mp4".into() },
        language: None,
        task: Task::Transcribe,
        model: None,
        profile: Profile::Netflix,
        title: "a".into(),
    };
    let now = WallTime::now();
    let expires_at = now.checked_add(Duration::from_secs(60)).unwrap();
    Job { version, ..Job::queued(JobId::from_bits(1), spec, now, expires_at) }
}

fn completed(version: Version) -> Job {
    Job { status: JobStatus::Completed, finished_at: Some(WallTime::now()), ..job(version) }
}

fn event(version: Version, change: JobChange) -> JobEvent {
    JobEvent { id: JobId::from_bits(1), version, change }
}

fn queued() -> JobChange {
    JobChange::Queued { progress: Progress::default() }
}

fn started(version: Version) -> JobEvent {
    let progress = Progress { stage: Stage::Fetching, fraction: 0.5, ..Progress::default() };
    event(version, JobChange::Started { attempt: 1, progress })
}

/// What is known without a look at the store, which holds nothing here.
async fn known_version(known: &KnownJobs) -> Option<Version> {
    known.get(JobId::from_bits(1)).await.unwrap().map(|job| job.version)
}

#[tokio::test]
async fn later_events_carry_a_known_job_on() {
    let (_folder, known) = known_jobs().await;
    known.keep(job(1)).await;
    known.hear(&started(2)).await;
    let job = known.get(JobId::from_bits(1)).await.unwrap().unwrap();
    assert_eq!((job.version, job.status, job.attempt), (2, JobStatus::Running, 1));
    assert_eq!(job.progress.fraction, 0.5);
}

#[tokio::test]
async fn older_events_and_older_reads_change_nothing() {
    let (_folder, known) = known_jobs().await;
    known.keep(job(5)).await;
    known.hear(&started(4)).await;
    known.keep(job(3)).await;
    assert_eq!(known_version(&known).await, Some(5));
}

#[test]
fn an_event_that_came_during_the_read_counts() {
    let slot = Slot::default();
    slot.hear(&started(2));
    assert_eq!(slot.keep(job(1)).version, 2);
}

#[test]
fn what_an_event_does_not_tell_sends_the_next_question_to_the_store() {
    let slot = Slot::default();
    slot.hear(&event(3, queued()));
    assert_eq!(slot.keep(job(1)).version, 1);
    assert_eq!(slot.job_if(|_| true), None);
}

#[tokio::test]
async fn a_hint_is_not_taken_back_by_what_is_stored() {
    let (_folder, known) = known_jobs().await;
    let running = || Job { status: JobStatus::Running, ..job(3000) };
    known.keep(running()).await;
    let hint = Progress { fraction: 0.7, ..Progress::default() };
    known.hear(&event(3007, JobChange::Progress { progress: hint })).await;
    known.keep(running()).await;
    let job = known.peek(JobId::from_bits(1)).await.unwrap();
    assert_eq!((job.version, job.progress.fraction), (3007, 0.7));
}

#[tokio::test]
async fn an_end_tells_all_that_is_to_be_known() {
    let (_folder, known) = known_jobs().await;
    known.keep(job(3000)).await;
    let ended = completed(5000);
    known.hear(&JobEvent::state_of(&ended)).await;
    assert_eq!(known.peek(ended.id).await, Some(ended));
}

#[tokio::test]
async fn an_ended_job_is_known_until_it_changes() {
    let (_folder, known) = known_jobs().await;
    known.keep(completed(9)).await;
    assert_eq!(known_version(&known).await, Some(9));
    known.hear(&event(10, queued())).await;
    assert_eq!(known_version(&known).await, None);
}

#[tokio::test]
async fn a_job_past_its_time_is_not_known() {
    let (_folder, known) = known_jobs().await;
    known.keep(Job { expires_at: WallTime::now(), ..completed(1) }).await;
    assert_eq!(known_version(&known).await, None);
}

#[tokio::test]
async fn nothing_is_known_after_a_gap() {
    let (_folder, known) = known_jobs().await;
    known.keep(completed(9)).await;
    known.forget_all();
    assert_eq!(known_version(&known).await, None);
}

#[tokio::test]
async fn while_events_do_not_come_nothing_is_kept_for_later() {
    let (_folder, known) = known_jobs().await;
    known.follow(false);
    known.keep(completed(9)).await;
    known.follow(true);
    assert_eq!(known_version(&known).await, None);
}

/// The two orders in which an event can come to a read of many jobs.
#[tokio::test]
async fn an_event_during_a_read_of_many_jobs_is_never_lost() {
    let (_folder, known) = known_jobs().await;
    // The event comes before the snapshot, which is older and names the job.
    let reading = known.start_reading();
    known.hear(&event(10, JobChange::Expired)).await;
    assert!(reading.learn(&[completed(9)]).await);
    assert_eq!(known_version(&known).await, None);

    // The snapshot is newer than the event.
    let reading = known.start_reading();
    known.hear(&started(5)).await;
    assert!(reading.learn(&[completed(9)]).await);
    assert_eq!(known_version(&known).await, Some(9));

    // The event comes after the snapshot was taken in.
    known.hear(&event(10, queued())).await;
    assert_eq!(known_version(&known).await, None);
}

#[tokio::test]
async fn a_read_of_many_jobs_with_a_gap_makes_nothing_known() {
    let (_folder, known) = known_jobs().await;
    let reading = known.start_reading();
    known.forget_all();
    assert!(!reading.learn(&[completed(9)]).await);
    assert_eq!(known_version(&known).await, None);
}

#[tokio::test]
async fn ids_that_lead_nowhere_take_no_place() {
    let (_folder, known) = known_jobs().await;
    for bits in 1..100 {
        assert_eq!(known.get(JobId::from_bits(bits)).await.unwrap(), None);
    }
    assert_eq!(known.count().await, 0);
}

#[tokio::test]
async fn the_jobs_known_are_bounded_and_the_newest_stay() {
    let (_folder, known) = known_jobs().await;
    let jobs: Vec<Job> =
        (0..CAPACITY as u128 + 500).map(|bits| Job { id: JobId::from_bits(bits), ..completed(1) }).collect();
    for job in &jobs {
        known.keep(job.clone()).await;
    }
    assert!(known.count().await <= CAPACITY as u64);
    assert!(known.get(jobs.last().unwrap().id).await.unwrap().is_some());
}
