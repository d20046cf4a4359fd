//! Random histories of several workers and people, against a model of one job that is too simple to be wrong.

use backend::{Backend, Cancelled, Claim, Created, Deleted, Finished, Release, Requeued, Retried, Written};
use domain::{Attempt, JobId, JobSpec, JobStatus, Version};
use proptest::prelude::*;

use crate::store_contract::{failure, later, page, success, transcribing};
use crate::{in_an_hour, new_job, open, runtime, spec};

/// What somebody does to the job; attempts are counted back from the newest one.
#[derive(Debug, Clone)]
enum Step {
    /// `duplicate`: on behalf of another message than the one before. `repeat`: of the same delivery as before.
    Claim {
        duplicate: bool,
        repeat: bool,
    },
    Release {
        behind: Attempt,
        release: Release,
    },
    /// `late`: the job changed since it was looked at.
    Requeue {
        late: bool,
    },
    Report {
        behind: Attempt,
    },
    /// `repeat` sends the last page again.
    Append {
        behind: Attempt,
        repeat: bool,
    },
    /// `with_page` ends the job together with its next page.
    Finish {
        behind: Attempt,
        fails: bool,
        with_page: bool,
    },
    Abandon,
    Cancel,
    /// `otherwise`: by another wish than before.
    Retry {
        otherwise: bool,
    },
    Delete,
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly the newest attempt; now and then a zombie.
    let behind = prop_oneof![4 => Just(0u32), 1 => 1u32..3];
    let releases = prop::sample::select(vec![Release::HandedBack, Release::Failed, Release::Crashed]);
    prop_oneof![
        3 => (prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(duplicate, repeat)| Step::Claim { duplicate, repeat }),
        2 => (behind.clone(), releases).prop_map(|(behind, release)| Step::Release { behind, release }),
        1 => any::<bool>().prop_map(|late| Step::Requeue { late }),
        2 => behind.clone().prop_map(|behind| Step::Report { behind }),
        6 => (behind.clone(), prop::bool::weighted(0.2))
            .prop_map(|(behind, repeat)| Step::Append { behind, repeat }),
        2 => (behind, any::<bool>(), any::<bool>())
            .prop_map(|(behind, fails, with_page)| Step::Finish { behind, fails, with_page }),
        1 => Just(Step::Abandon),
        1 => Just(Step::Cancel),
        2 => prop::bool::weighted(0.3).prop_map(|otherwise| Step::Retry { otherwise }),
    ]
}

/// The job as it must be: the status, the fence, and the pages with the attempts that wrote them.
struct Model {
    status: JobStatus,
    attempt: Attempt,
    run: u32,
    /// The number of the message that holds or held it.
    message: u32,
    /// Which delivery of it.
    receive: u32,
    failures: u32,
    crashes: u32,
    version: Version,
    pages: Vec<Attempt>,
    ends_in_this_run: u32,
    /// Counts the wishes of people who changed their mind.
    wish: u32,
    is_there: bool,
}

impl Model {
    fn holds(&self, attempt: Attempt) -> bool {
        self.is_there && self.status == JobStatus::Running && self.attempt == attempt
    }

    fn is_terminal(&self) -> bool {
        self.status.is_terminal()
    }

    /// A change happened.
    fn changed(&mut self) -> Version {
        self.version = later(self.version, 1);
        self.version
    }

    fn wish(&self, otherwise: bool) -> JobSpec {
        let language = ["de", "fr"][(self.wish + u32::from(otherwise)) as usize % 2];
        JobSpec { language: Some(language.into()), ..spec() }
    }

    fn message(&self, is_duplicate: bool) -> String {
        (self.message + u32::from(is_duplicate)).to_string()
    }

    fn queued(&mut self, requeued: Requeued) {
        let Requeued::Queued(job) = requeued else { panic!("it was not queued") };
        self.status = JobStatus::Queued;
        assert_eq!(job.version, self.changed());
    }

    fn expect_end(&mut self, may_end: bool, status: JobStatus, finished: Finished) {
        match finished {
            Finished::First(job) => {
                assert!(may_end && !self.is_terminal(), "an end that was not due");
                self.status = status;
                self.ends_in_this_run += 1;
                assert_eq!(self.ends_in_this_run, 1, "a run ends once");
                assert_eq!((job.version, job.status), (self.changed(), status));
            }
            Finished::Already(job) => {
                assert!(self.is_there && self.is_terminal());
                assert_eq!((job.version, job.status), (self.version, self.status));
            }
            Finished::Fenced => assert!(!self.is_there || (!may_end && !self.is_terminal())),
        }
    }
}

async fn take(backend: &Backend, id: JobId, model: &mut Model, step: &Step) {
    let store = &backend.store;
    match step {
        Step::Claim { duplicate, repeat } => {
            let receive = model.receive + u32::from(!repeat);
            match store.claim(id, &model.message(*duplicate), receive).await.unwrap() {
                Claim::Won(job) => {
                    assert!(model.is_there && !model.is_terminal());
                    if model.status == JobStatus::Running {
                        assert!(!duplicate && !repeat, "a duplicate took a running job");
                        model.crashes += 1;
                    }
                    model.message += u32::from(*duplicate);
                    model.receive = receive;
                    model.status = JobStatus::Running;
                    model.attempt += 1;
                    assert_eq!((job.version, job.attempt), (model.changed(), model.attempt));
                    assert_eq!(job.progress.pages as usize, model.pages.len());
                }
                Claim::Terminal(job) => {
                    assert!(model.is_there && model.is_terminal());
                    assert_eq!((job.version, job.status), (model.version, model.status));
                }
                Claim::Held(job) => {
                    assert!(model.is_there && *duplicate && model.status == JobStatus::Running);
                    assert_eq!(job.version, model.version);
                }
                Claim::Duplicate(job) => {
                    let is_repeat = *repeat && !duplicate;
                    assert!(model.is_there && is_repeat && model.status == JobStatus::Running);
                    assert_eq!(job.version, model.version);
                }
                Claim::Gone => assert!(!model.is_there),
            }
        }
        Step::Release { behind, release } => {
            let attempt = model.attempt.saturating_sub(*behind);
            let requeued = store.release(id, model.run, attempt, *release).await.unwrap();
            if model.holds(attempt) {
                model.failures += u32::from(*release == Release::Failed);
                model.crashes += u32::from(*release == Release::Crashed);
                model.queued(requeued);
            } else if let Requeued::Queued(job) = requeued {
                assert!(model.is_there && model.status == JobStatus::Queued && attempt == model.attempt);
                assert_eq!(job.version, model.version);
            }
        }
        Step::Requeue { late } => {
            let version = model.version - u64::from(*late);
            let requeued = store.requeue(id, version).await.unwrap();
            if *late || !model.is_there || model.is_terminal() {
                assert_eq!(requeued, Requeued::Fenced);
            } else {
                model.crashes += u32::from(model.status == JobStatus::Running);
                model.queued(requeued);
            }
        }
        Step::Report { behind } => {
            let attempt = model.attempt.saturating_sub(*behind);
            let written = store.report(id, attempt, &transcribing(0.3)).await.unwrap();
            let expected = match model.holds(attempt) {
                true => Written::At(model.changed()),
                false => Written::Fenced,
            };
            assert_eq!(written, expected);
        }
        Step::Append { behind, repeat } => {
            let attempt = model.attempt.saturating_sub(*behind);
            let next = model.pages.len() as u32;
            let number = if *repeat { next.saturating_sub(1) } else { next };
            let appended = store.append_cues(id, attempt, &page(number), &transcribing(0.5)).await;
            let is_last = model.pages.last() == Some(&attempt);
            if !model.holds(attempt) {
                assert_eq!(appended.unwrap(), Written::Fenced);
            } else if number == next {
                model.pages.push(attempt);
                assert_eq!(appended.unwrap(), Written::At(model.changed()));
            } else if is_last {
                assert_eq!(appended.unwrap(), Written::At(model.version));
            } else {
                assert!(!appended.unwrap_err().is_transient(), "another attempt's page is not repeated");
            }
        }
        Step::Finish { behind, fails, with_page } => {
            let attempt = model.attempt.saturating_sub(*behind);
            let (outcome, status) = match fails {
                true => (failure(), JobStatus::Failed),
                false => (success(), JobStatus::Completed),
            };
            let last_page = with_page.then(|| page(model.pages.len() as u32));
            let finished = store.finish(id, attempt, last_page.as_ref(), &outcome).await.unwrap();
            if last_page.is_some() && matches!(finished, Finished::First(_)) {
                model.pages.push(attempt);
                model.changed();
            }
            model.expect_end(model.holds(attempt), status, finished);
        }
        Step::Abandon => {
            let finished = store.abandon(id, model.run, &failure()).await.unwrap();
            model.expect_end(true, JobStatus::Failed, finished);
        }
        Step::Cancel => match store.cancel(id, domain::WallTime::now()).await.unwrap() {
            Cancelled::Done(job) => {
                assert!(model.is_there && !model.is_terminal());
                model.status = JobStatus::Cancelled;
                model.ends_in_this_run += 1;
                assert_eq!(job.version, model.changed());
            }
            Cancelled::Already(job) => {
                assert!(model.is_there && model.is_terminal());
                assert_eq!(job.version, model.version);
            }
            Cancelled::Gone => assert!(!model.is_there),
        },
        Step::Retry { otherwise } => {
            match store.retry(id, &model.wish(*otherwise), in_an_hour()).await.unwrap() {
                Retried::Queued(job) => {
                    assert!(model.is_there && (model.is_terminal() || *otherwise));
                    model.wish += u32::from(*otherwise);
                    model.status = JobStatus::Queued;
                    model.pages.clear();
                    model.ends_in_this_run = 0;
                    model.run += 1;
                    (model.failures, model.crashes) = (0, 0);
                    assert_eq!((job.version, job.attempt), (model.changed(), model.attempt));
                }
                Retried::Unfinished(job) => {
                    assert!(model.is_there && !model.is_terminal() && !otherwise);
                    assert_eq!(job.version, model.version);
                }
                Retried::Gone => assert!(!model.is_there),
            }
        }
        Step::Delete => {
            let expected = match model.is_there {
                true => Deleted::At(later(model.version, 1)),
                false => Deleted::Gone,
            };
            assert_eq!(store.delete(id).await.unwrap(), expected);
            model.is_there = false;
        }
    }
    check_stored(backend, id, model).await;
}

async fn check_stored(backend: &Backend, id: JobId, model: &Model) {
    let Some(job) = backend.store.get(id).await.unwrap() else {
        assert!(!model.is_there, "a living job is gone");
        return;
    };
    assert!(model.is_there, "a deleted job is back");
    assert_eq!((job.version, job.status, job.attempt), (model.version, model.status, model.attempt));
    assert_eq!((job.failures, job.crashes), (model.failures, model.crashes));
    assert_eq!(job.finished_at.is_some(), job.status.is_terminal());
    assert_eq!(job.failure.is_some(), job.status == JobStatus::Failed);
    let pages = backend.store.pages(id, 0).await.unwrap();
    let read = backend.store.read(id).await.unwrap().expect("a living job can be read");
    assert_eq!((read.job, &read.pages, read.corrections), (job.clone(), &pages, Default::default()));
    let numbers: Vec<u32> = pages.iter().map(|page| page.number).collect();
    assert_eq!(numbers, Vec::from_iter(0..model.pages.len() as u32));
    assert!(pages.is_sorted_by(|one, next| one.version < next.version), "versions of pages rise");
    assert_eq!(job.progress.pages as usize, pages.len());
    assert_eq!(job.progress.cues as usize, pages.iter().map(|page| page.cues.len()).sum::<usize>());
    assert_eq!(job.progress.transcribed, pages.last().map(|page| page.end).unwrap_or_default());
}

#[test]
fn every_history_of_a_job_is_one_the_model_allows() {
    let folder = tempfile::TempDir::new().unwrap();
    let runtime = runtime();
    let backend = runtime.block_on(open(&folder));
    check_histories(&runtime, &backend, 60);
}

pub fn check_histories(runtime: &tokio::runtime::Runtime, backend: &Backend, cases: u32) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let histories = (prop::collection::vec(step(), 1..40), prop::bool::weighted(0.3));
    let result = runner.run(&histories, |(mut steps, is_deleted)| {
        if is_deleted {
            // In the middle: what follows must not bring it back.
            steps.insert(steps.len() / 2, Step::Delete);
        }
        runtime.block_on(async {
            let mut job = new_job();
            job.spec.language = Some("de".into());
            assert_eq!(backend.store.create(&job, None).await.unwrap(), Created::New);
            let mut model = Model {
                status: JobStatus::Queued,
                attempt: 0,
                run: 0,
                message: 0,
                receive: 0,
                failures: 0,
                crashes: 0,
                version: job.version,
                pages: Vec::new(),
                ends_in_this_run: 0,
                wish: 0,
                is_there: true,
            };
            for step in &steps {
                take(backend, job.id, &mut model, step).await;
            }
        });
        Ok(())
    });
    result.unwrap();
}
