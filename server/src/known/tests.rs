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
        translation_of: None,
        video: None,
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
    slot.hear(&started(2), false);
    assert_eq!(slot.keep(job(1)).version, 2);
}

#[test]
fn what_an_event_does_not_tell_sends_the_next_question_to_the_store() {
    let slot = Slot::default();
    slot.hear(&event(3, queued()), false);
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

/// Another server deleted it, and that was not heard here.
#[tokio::test]
async fn the_store_is_asked_again_about_an_ended_job_now_and_then() {
    let (_folder, known) = known_jobs().await;
    let is_trusted = |job: Job, age: Duration| {
        // A machine that was just started has no earlier moments.
        Instant::now().checked_sub(age).map(|read_at| known.is_trusted(&Known { job, read_at }))
    };
    assert_eq!(known.trusted_for(JobStatus::Completed), Duration::from_secs(600));
    for job in [job(1), completed(1)] {
        let trusted_for = known.trusted_for(job.status);
        assert_ne!(is_trusted(job.clone(), trusted_for / 2), Some(false));
        assert_ne!(is_trusted(job, trusted_for), Some(true));
    }
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

    known.forget_all();

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
    assert_eq!(known.count(), 0);
}

#[tokio::test]
async fn the_jobs_known_are_bounded_and_the_newest_stay() {
    let (_folder, known) = known_jobs().await;
    let jobs: Vec<Job> =
        (0..CAPACITY as u128 + 500).map(|bits| Job { id: JobId::from_bits(bits), ..completed(1) }).collect();
    for job in &jobs {
        known.keep(job.clone()).await;
    }
    known.slots.run_pending_tasks().await;
    assert_eq!(known.count(), CAPACITY);
    assert!(known.get(jobs.last().unwrap().id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_late_end_does_not_bring_back_a_deleted_job() {
    let (_folder, known) = known_jobs().await;
    let ended = JobEvent::state_of(&completed(2000));
    for is_known_before in [true, false] {
        if is_known_before {
            known.keep(job(1000)).await;
        }
        known.hear(&event(3000, JobChange::Expired)).await;
        // The store says so too, and its answer leaves the memory of the event alone.
        assert_eq!(known_version(&known).await, None);
        assert!(!known.hear(&ended).await);
        assert_eq!(known_version(&known).await, None);
        known.forget_all();
    }
}

#[tokio::test]
async fn an_old_end_makes_no_job_known() {
    let (_folder, known) = known_jobs().await;
    let check = async |minutes: i64, expect: Option<Version>| {
        let finished_at = WallTime::now().checked_sub(Duration::from_secs(60 * minutes as u64)).unwrap();
        known.hear(&JobEvent::state_of(&Job { finished_at: Some(finished_at), ..completed(2000) })).await;
        assert_eq!(known_version(&known).await, expect, "{minutes} minutes ago");
        known.forget_all();
    };
    check(10, None).await;
    check(0, Some(2000)).await;
}

mod records {
    use backend::JobRecord;
    use domain::Cue;

    use super::super::record::{carry_on, without_pages};
    use super::*;

    fn running(version: Version, pages: u32) -> Job {
        let progress = Progress { pages, ..Progress::default() };
        Job { status: JobStatus::Running, progress, ..job(version) }
    }

    fn cues(version: Version, page: u32) -> JobEvent {
        let cues = vec![Cue {
            start: Default::default(),
            end: Default::default(),
            text: page.to_string(),
            doubts: Vec::new(),
        }];
        let progress = Progress { pages: page + 1, ..Progress::default() };
        event(version, JobChange::Cues { page, cues, progress })
    }

    fn texts(record: Option<Arc<JobRecord>>) -> Option<Vec<String>> {
        let pages = &record?.pages;
        Some(pages.iter().flat_map(|page| &page.cues).map(|cue| cue.text.clone()).collect())
    }

    #[test]
    fn pages_in_order_are_kept_and_anything_missed_drops_them() {
        let first = carry_on(None, &running(1000, 0), &cues(2000, 0), &running(2000, 1));
        assert_eq!(texts(first.clone()), Some(vec!["0".into()]));
        let check = |before: Job, event: &JobEvent, after: Job, expect: Option<&[&str]>| {
            let expect = expect.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(texts(carry_on(first.clone(), &before, event, &after)), expect, "{event:?}");
        };
        let before = || running(2000, 1);
        check(before(), &cues(3000, 1), running(3000, 2), Some(&["0", "1"]));
        let hint =
            event(2001, JobChange::Progress { progress: Progress { pages: 1, ..Progress::default() } });
        check(before(), &hint, running(2001, 1), Some(&["0"]));
        check(before(), &started(3000), running(3000, 1), Some(&["0"]));
        // A page, or a version, was missed.
        check(before(), &cues(4000, 2), running(4000, 3), None);
        check(before(), &started(4000), running(4000, 1), None);
        // Begun anew.
        check(before(), &started(3000), running(3000, 0), None);
        check(before(), &cues(3000, 0), running(3000, 1), None);
        // What is kept belongs to another state.
        check(running(5000, 1), &cues(6000, 1), running(6000, 2), None);
        // An edit.
        let ended = Job { status: JobStatus::Completed, ..running(2000, 1) };
        check(ended.clone(), &started(3000), Job { version: 3000, ..ended }, None);
    }

    #[test]
    fn a_job_without_pages_needs_no_record() {
        let after = running(2000, 0);
        let record = carry_on(None, &job(1000), &started(2000), &after);
        assert_eq!(record.as_deref(), Some(&without_pages(&after)));
    }
}
