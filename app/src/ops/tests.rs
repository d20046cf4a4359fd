use std::time::Duration;

use domain::{JobId, Stage};

use super::*;

fn surroundings() -> Surroundings {
    Surroundings {
        models: vec!["base".into(), "tiny.en".into()],
        notice: None,
        has_job_pages: true,
        nonce: "0a".into(),
    }
}

fn hour(number: u32, completed: u64) -> Hour {
    Hour {
        begin: WallTime::UNIX_EPOCH + Duration::from_secs(3600) * number,
        completed,
        failed: 0,
        cancelled: 0,
        media_ms: completed * 90_000,
        real_time_factor: (completed > 0).then_some(0.25),
    }
}

fn overview() -> Overview {
    let now = WallTime::UNIX_EPOCH + Duration::from_secs(86_400);
    let work = Work {
        job: JobId::from_bits(7),
        title: "<b>Talk</b>".into(),
        stage: Stage::Transcribing,
        progress: 0.42,
        eta_ms: None,
        attempt: 2,
        started_at: Some(now - Duration::from_secs(125)),
    };
    let worker = Worker {
        id: "a".into(),
        host: "machine".into(),
        pid: 42,
        version: "0.1.0".into(),
        mode: "pull".into(),
        engine: "whisper.cpp".into(),
        model: "base".into(),
        slots: 2,
        started_at: now - Duration::from_secs(7200),
        told_at: now - Duration::from_secs(12),
        jobs: vec![work],
    };
    let letter = Letter {
        id: "letter \"1\"".into(),
        job: Some(JobId::from_bits(8)),
        title: Some("Lost & found".into()),
        reason: Some("media_unreachable: <script>".into()),
        attempts: 4,
        buried_at: Some(now),
        model: Some("base".into()),
        language: Some("fr".into()),
    };
    Overview {
        read_at: now,
        queue: Some(Queue { waiting: 3, delayed: 0, in_flight: 1, dead_letters: 1, oldest_age_ms: None }),
        jobs: Some(Jobs {
            queued: 3,
            running: 1,
            completed: 5,
            failed: 1,
            cancelled: 0,
            oldest_waiting: Some(Age { ms: 240_000, is_at_least: false }),
        }),
        workers: Some(vec![worker]),
        untold: Vec::new(),
        day: Day {
            completed: 6,
            failed: 0,
            cancelled: 0,
            media_ms: 540_000,
            real_time_factor: Some(0.25),
            failures: Vec::new(),
            hours: (0..24).map(|number| hour(number, u64::from(number % 7 == 3))).collect(),
            complete_since: None,
        },
        dead_letters: Some(vec![letter]),
        tasks: Some(vec![TaskRun { task: "update-model@machine".into(), last_run_at: now }]),
    }
}

fn check(overview: &Overview, surroundings: &Surroundings, contained: &[&str]) -> String {
    let html = page(None, overview, surroundings);
    for part in contained {
        assert!(html.contains(part), "{part}: {html}");
    }
    html
}

#[test]
fn the_page_tells_what_is_known_and_nothing_in_it_is_markup() {
    let html = check(
        &overview(),
        &surroundings(),
        &[
            "<!DOCTYPE html>",
            "&lt;b&gt;Talk&lt;/b&gt;",
            "href=\"/jobs/00000000000000000000000000000007\"",
            "Transcribing 42 %",
            "for 2 min",
            "attempt 2",
            "1 of 2 slots busy",
            "4 min",
            "1 in flight; how old the oldest is, is not known.",
            "told 12 s ago",
            "4.0 × real time",
            "Lost &amp; found",
            "media_unreachable: &lt;script&gt;",
            "value=\"letter &quot;1&quot;\"",
            "Redrive the one there is",
            "Holds the models against their checksums on machine",
            "nonce=\"0a\"",
        ],
    );
    assert!(!html.contains("<b>") && !html.contains("http-equiv"), "{html}");
}

#[test]
fn what_did_not_answer_is_said_to_be_unknown() {
    let nothing = Overview {
        queue: None,
        jobs: None,
        workers: None,
        dead_letters: None,
        tasks: None,
        day: Day { completed: 0, ..overview().day },
        ..overview()
    };
    let expect =
        [words::NOT_KNOWN, words::WORKERS_NOT_KNOWN, words::LETTERS_NOT_KNOWN, words::TASKS_NOT_KNOWN];
    check(&nothing, &surroundings(), &expect.map(|text| text.get()));
}

#[test]
fn an_installation_without_work_says_so_and_reads_itself_again_without_a_script() {
    let empty = Overview {
        workers: Some(Vec::new()),
        dead_letters: Some(Vec::new()),
        tasks: Some(Vec::new()),
        day: Day { completed: 0, ..overview().day },
        ..overview()
    };
    let expect = [
        words::NO_WORKERS.get(),
        words::NOTHING_ENDED.get(),
        words::NO_LETTERS.get(),
        words::NO_TASKS.get(),
        "http-equiv=\"refresh\"",
    ];
    check(&empty, &surroundings(), &expect);
}

#[test]
fn titles_lead_nowhere_where_there_are_no_pages_of_jobs() {
    let html =
        check(&overview(), &Surroundings { has_job_pages: false, ..surroundings() }, &["Lost &amp; found"]);
    assert!(!html.contains("/jobs/"), "{html}");
}

#[test]
fn what_became_of_a_wish_is_said() {
    let told = |notice| check(&overview(), &Surroundings { notice: Some(notice), ..surroundings() }, &[]);
    assert!(told(Notice::Redriven { sent: 2, refused: 1 }).contains("2 jobs start again. 1 letter stays"));
    assert!(told(Notice::Refused("nothing_chosen".into())).contains("No letter was chosen."));
    assert!(told(Notice::Refused("<i>".into())).contains("This was not accepted."));
}
