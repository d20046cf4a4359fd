//! What the socket says, as events.

use domain::correction::Revision;
use domain::{
    Attempt, Cue, FailureView, JobChange, JobEvent, JobId, Progress, Stage, Timestamp, Version, WallTime,
};
use serde::Deserialize;

/// The event in a message of the socket; `None` for what a newer server may say and this page does not know.
///
/// What serde derives for a `JobEvent` keeps every field until it knows the kind, seven times over, and reads the job
/// that comes with an end: a quarter of the WASM. A page needs no job, and the fields lie side by side.
pub fn event(message: &str) -> Option<JobEvent> {
    let told: Told = serde_json::from_str(message).ok()?;
    let (id, version) = (told.id, told.version);
    let change = match told.event.as_str() {
        "queued" => JobChange::Queued { progress: told.progress()? },
        "started" => JobChange::Started { attempt: told.attempt?, progress: told.progress()? },
        "progress" => JobChange::Progress { progress: told.progress()? },
        "cues" => {
            let progress = told.progress()?;
            JobChange::Cues { page: told.page?, cues: told.cues?, progress }
        }
        "completed" => {
            JobChange::Completed { finished_at: told.finished_at?, progress: told.progress()?, job: None }
        }
        "failed" => {
            let (finished_at, progress) = (told.finished_at?, told.progress()?);
            JobChange::Failed { finished_at, failure: told.failure?, progress, job: None }
        }
        "cancelled" => {
            JobChange::Cancelled { finished_at: told.finished_at?, progress: told.progress()?, job: None }
        }
        "expired" => JobChange::Expired,
        _ => return None,
    };
    Some(JobEvent { id, version, change })
}

/// Every field that an event may have.
#[derive(Deserialize)]
struct Told {
    id: JobId,
    version: Version,
    event: String,
    attempt: Option<Attempt>,
    page: Option<u32>,
    cues: Option<Vec<Cue>>,
    finished_at: Option<WallTime>,
    failure: Option<FailureView>,

    stage: Option<Stage>,
    fraction: Option<f32>,
    eta_ms: Option<u64>,
    duration_ms: Option<u64>,
    language: Option<String>,
    language_confidence: Option<f32>,
    has_media: Option<bool>,
    pages: Option<u32>,
    cue_count: Option<u32>,
    transcribed: Option<Timestamp>,
    /// Missing where nobody corrected anything.
    #[serde(default)]
    corrections: Revision,
}

impl Told {
    fn progress(&self) -> Option<Progress> {
        Some(Progress {
            stage: self.stage?,
            fraction: self.fraction?,
            eta_ms: self.eta_ms,
            duration_ms: self.duration_ms,
            language: self.language.clone(),
            language_confidence: self.language_confidence,
            has_media: self.has_media?,
            pages: self.pages?,
            cues: self.cue_count?,
            transcribed: self.transcribed?,
            corrections: self.corrections,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_what_a_server_writes_but_for_the_whole_job() {
        let progress = Progress {
            stage: Stage::Transcribing,
            fraction: 0.25,
            eta_ms: Some(7),
            duration_ms: Some(9),
            language: Some("fr".into()),
            language_confidence: Some(0.5),
            has_media: true,
            pages: 3,
            cues: 12,
            transcribed: Timestamp(4),
            corrections: 2,
        };
        let bare = Progress::default();
        let cue =
            Cue { start: Timestamp(1), end: Timestamp(2), text: "a\n\"b\"".into(), doubts: vec![(0, 1)] };
        let failure = FailureView { code: "c".into(), message: "m".into(), hint: "h".into() };
        let finished_at = WallTime::UNIX_EPOCH;
        let changes = [
            JobChange::Queued { progress: bare.clone() },
            JobChange::Started { attempt: 2, progress: progress.clone() },
            JobChange::Progress { progress: progress.clone() },
            JobChange::Cues { page: 2, cues: vec![cue], progress: progress.clone() },
            JobChange::Completed { finished_at, progress: progress.clone(), job: None },
            JobChange::Failed { finished_at, failure, progress: bare.clone(), job: None },
            JobChange::Cancelled { finished_at, progress, job: None },
            JobChange::Expired,
        ];
        for change in changes {
            let told = JobEvent { id: JobId::from_bits(7), version: 1_003, change };
            let message = serde_json::to_string(&told).unwrap();
            assert_eq!(event(&message).as_ref(), Some(&told), "{message}");
        }
    }

    #[test]
    fn the_job_of_an_end_is_passed_over() {
        let state = super::super::samples::state();
        let spec = domain::JobSpec::link("https://example.org/talk.mp4", &Default::default()).unwrap();
        let moment = state.job.created_at;
        let mut job = domain::Job::queued(state.job.id, spec, moment, moment);
        (job.status, job.finished_at) = (domain::JobStatus::Completed, Some(moment));
        let message = serde_json::to_string(&JobEvent::state_of(&job)).unwrap();
        let change = JobChange::Completed { finished_at: moment, progress: job.progress, job: None };
        assert_eq!(event(&message), Some(JobEvent { id: job.id, version: job.version, change }));
    }

    #[test]
    fn what_is_no_event_is_passed_over() {
        for message in ["", "{}", "[]", r#"{"id":"x","version":1,"event":"queued"}"#] {
            assert_eq!(event(message), None, "{message}");
        }
        let id = JobId::from_bits(7);
        for kind in ["queued", "cues", "something new"] {
            assert_eq!(event(&format!(r#"{{"id":"{id}","version":1,"event":"{kind}"}}"#)), None, "{kind}");
        }
    }
}
