use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{JobSpec, SpecOptions, Stage, Timestamp};

fn any_time() -> impl Strategy<Value = WallTime> {
    (0i64..4_000_000_000_000).prop_map(|millis| WallTime::from_millisecond(millis).unwrap())
}

fn any_progress() -> impl Strategy<Value = Progress> {
    let stage = prop::sample::select(vec![
        Stage::Waiting,
        Stage::Fetching,
        Stage::Preparing,
        Stage::Transcribing,
        Stage::Done,
    ]);
    let language = (any::<Option<String>>(), prop::option::of(0.0f32..=1.0));
    let known = (any::<Option<u64>>(), any::<Option<u64>>(), language, any::<bool>());
    let counts = (any::<u32>(), any::<u32>(), any::<u64>(), any::<u32>());
    (stage, 0.0f32..=1.0, known, counts).prop_map(|(stage, fraction, known, counts)| {
        let (eta_ms, duration_ms, (language, language_confidence), has_media) = known;
        let (pages, cues, transcribed, corrections) = counts;
        let transcribed = Timestamp(transcribed);
        Progress {
            stage,
            fraction,
            eta_ms,
            duration_ms,
            language,
            language_confidence,
            has_media,
            pages,
            cues,
            transcribed,
            corrections,
        }
    })
}

fn any_cues() -> impl Strategy<Value = Vec<Cue>> {
    let cue = (any::<u64>(), any::<u64>(), any::<String>());
    let cue = cue.prop_map(|(start, end, text)| Cue {
        start: Timestamp(start),
        end: Timestamp(end),
        text,
        doubts: Vec::new(),
    });
    prop::collection::vec(cue, 0..4)
}

fn any_job() -> impl Strategy<Value = Option<Box<Job>>> {
    prop::option::of(any_status().prop_map(|status| Box::new(lived(&[true, false], status).0)))
}

fn any_change() -> impl Strategy<Value = JobChange> {
    let failure =
        prop::sample::select(crate::failure::tests::all()).prop_map(|failure| FailureView::from(&failure));
    prop_oneof![
        any_progress().prop_map(|progress| JobChange::Queued { progress }),
        (any::<Attempt>(), any_progress())
            .prop_map(|(attempt, progress)| JobChange::Started { attempt, progress }),
        any_progress().prop_map(|progress| JobChange::Progress { progress }),
        (any::<u32>(), any_cues(), any_progress()).prop_map(|(page, cues, progress)| JobChange::Cues {
            page,
            cues,
            progress
        }),
        (any_time(), any_progress(), any_job())
            .prop_map(|(finished_at, progress, job)| { JobChange::Completed { finished_at, progress, job } }),
        (any_time(), failure, any_progress(), any_job()).prop_map(|(finished_at, failure, progress, job)| {
            JobChange::Failed { finished_at, failure, progress, job }
        }),
        (any_time(), any_progress(), any_job())
            .prop_map(|(finished_at, progress, job)| { JobChange::Cancelled { finished_at, progress, job } }),
        Just(JobChange::Expired),
    ]
}

/// A job with a life behind it: each step is a stored change, and those that are true committed a page.
fn lived(steps: &[bool], status: JobStatus) -> (Job, Vec<CuePage>) {
    let spec = JobSpec::link("https://example.com/talk.mp4", &SpecOptions::default()).unwrap();
    let mut job = Job::queued(JobId::from_bits(7), spec, WallTime::UNIX_EPOCH, WallTime::UNIX_EPOCH);
    let mut pages = Vec::new();
    for is_page in steps {
        job.version = Job::next_version(job.version);
        if *is_page {
            let number = job.progress.pages;
            let (start, end) = (Timestamp(u64::from(number)), Timestamp(u64::from(number) + 1));
            pages.push(CuePage {
                number,
                version: job.version,
                start,
                end,
                words: vec![],
                cues: vec![],
                open: None,
                peaks: String::new(),
            });
            job.progress.pages += 1;
        }
    }
    job.status = status;
    (job, pages)
}

fn any_status() -> impl Strategy<Value = JobStatus> {
    prop::sample::select(vec![
        JobStatus::Queued,
        JobStatus::Running,
        JobStatus::Completed,
        JobStatus::Failed,
        JobStatus::Cancelled,
    ])
}

proptest! {
    #[test]
    fn every_event_survives_json(bits in any::<u128>(), version in any::<Version>(), change in any_change()) {
        let event = JobEvent { id: JobId::from_bits(bits), version, change };
        let json = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<JobEvent>(&json).unwrap(), event);
    }

    #[test]
    fn whoever_missed_events_gets_every_page_and_versions_that_rise(
        steps in prop::collection::vec(any::<bool>(), 0..12),
        status in any_status(),
        after in 0u64..16 * Job::VERSION_STEP,
    ) {
        let (job, pages) = lived(&steps, status);
        let events = JobEvent::missed(&job, &pages, after);

        let versions: Vec<Version> = events.iter().map(|event| event.version).collect();
        prop_assert!(versions.iter().all(|version| *version > after));
        prop_assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", versions);
        // Whoever is behind ends up at the job's version, and whoever is not hears nothing.
        prop_assert_eq!(versions.last().copied(), (job.version > after).then_some(job.version));

        let told: Vec<u32> = events
            .iter()
            .filter_map(|event| match event.change {
                JobChange::Cues { page, .. } => Some(page),
                _ => None,
            })
            .collect();
        let missing: Vec<u32> =
            pages.iter().filter(|page| page.version > after).map(|page| page.number).collect();
        prop_assert_eq!(told, missing);
    }
}

#[test]
fn events_are_flat_and_named_in_snake_case() {
    let progress = Progress { pages: 1, cues: 1, ..Progress::default() };
    let cues = vec![Cue { start: Timestamp(0), end: Timestamp(900), text: "Hi".into(), doubts: Vec::new() }];
    let event =
        JobEvent { id: JobId::from_bits(1), version: 3, change: JobChange::Cues { page: 0, cues, progress } };
    let expect = json!({
        "id": "00000000000000000000000000000001",
        "version": 3,
        "event": "cues",
        "page": 0,
        "pages": 1,
        "cue_count": 1,
        "cues": [{"start": 0, "end": 900, "text": "Hi"}],
    });
    let json = serde_json::to_value(&event).unwrap();
    for (key, value) in expect.as_object().unwrap() {
        assert_eq!(&json[key], value, "{key}");
    }
}

#[test]
fn the_state_of_a_job_is_told_by_its_status() {
    let check = |status: JobStatus, expect: &str| {
        let (mut job, _) = lived(&[true, false], status);
        job.failure = (status == JobStatus::Failed).then_some(Failure::TimedOut);
        let json = serde_json::to_value(JobEvent::state_of(&job)).unwrap();
        assert_eq!(json["event"], expect);
    };
    check(JobStatus::Queued, "queued");
    check(JobStatus::Running, "started");
    check(JobStatus::Completed, "completed");
    check(JobStatus::Failed, "failed");
    check(JobStatus::Cancelled, "cancelled");
}

#[test]
fn an_end_tells_the_whole_job_and_nothing_else_does() {
    for status in [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled] {
        let (job, pages) = lived(&[true, false], status);
        assert_eq!(JobEvent::state_of(&job).ended_job(), Some(&job), "{status:?}");
        assert_eq!(JobEvent::cues_of(&job, &pages[0]).ended_job(), None);
    }
    for status in [JobStatus::Queued, JobStatus::Running] {
        assert_eq!(JobEvent::state_of(&lived(&[], status).0).ended_job(), None, "{status:?}");
    }
}

#[test]
fn an_end_of_an_older_sender_is_understood() {
    let (job, _) = lived(&[true], JobStatus::Completed);
    let mut json = serde_json::to_value(JobEvent::state_of(&job)).unwrap();
    json.as_object_mut().unwrap().remove("job");
    let event: JobEvent = serde_json::from_value(json).unwrap();
    assert!(matches!(&event.change, JobChange::Completed { job: None, .. }));
}

#[test]
fn without_its_cues_an_event_still_tells_that_there_is_a_page() {
    let (job, pages) = lived(&[true], JobStatus::Running);
    let event = JobEvent::cues_of(&job, &pages[0]).without_cues();
    let change = JobChange::Progress { progress: job.progress };
    assert_eq!(event, JobEvent { id: job.id, version: pages[0].version, change });
}
