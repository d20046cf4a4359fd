//! What every adapter promises, checked over each of them; the names of the tests are the specification.
//!
//! A contract is a function over [`Backend`]. `contract!` makes one test of it for each adapter, so a new adapter
//! is one more line in it.

#![allow(clippy::unwrap_used, reason = "clippy knows only functions marked as tests, not what they share")]

mod aws;
mod embedded;
mod faults;
mod media_contract;
mod queue_contract;
mod store_contract;
mod store_model;
mod topic_contract;

use std::future::Future;

use backend::{Backend, BackendConfig, BackendKind};
use domain::{Job, JobId, JobSpec, Profile, Source, Task, WallTime};
use tempfile::TempDir;

/// How many receives a message survives in the contract.
const MAX_RECEIVE_COUNT: u32 = 3;

/// The message that claims a job, where one is enough.
const MESSAGE: &str = "a message";

/// Makes a test of each named async function over `&Backend`, once for every adapter.
macro_rules! contract {
    ($($names:tt)*) => {
        $crate::contract_but_for_aws!($($names)*);
        $crate::contract_over!(aws, $crate::aws::on_aws, $($names)*);
    };
}
pub(crate) use contract;

/// For what the systems behind the `aws` adapters cannot do; what holds there instead is in `aws::own`.
macro_rules! contract_but_for_aws {
    ($($names:tt)*) => {
        $crate::contract_over!(embedded, $crate::on_embedded, $($names)*);
        $crate::contract_over!(without_faults, $crate::on_embedded_without_faults, $($names)*);
    };
}
pub(crate) use contract_but_for_aws;

macro_rules! contract_over {
    ($adapter:ident, $run:path, $($name:ident),* $(,)?) => {
        mod $adapter {
            $(
                #[test]
                fn $name() {
                    $run(|backend| async move { super::$name(&backend).await });
                }
            )*
        }
    };
}
pub(crate) use contract_over;

fn on_embedded<F: Future<Output = ()>>(test: impl FnOnce(Backend) -> F) {
    let folder = TempDir::new().unwrap();
    run(async { test(open(&folder).await).await });
}

/// The wrapper that makes faults must change nothing while it has no plan.
fn on_embedded_without_faults<F: Future<Output = ()>>(test: impl FnOnce(Backend) -> F) {
    on_embedded(|backend| test(backend::faults::with_faults(backend, None).0));
}

fn run<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn config(folder: &TempDir) -> BackendConfig {
    BackendConfig {
        backend: BackendKind::Embedded,
        data: folder.path().to_path_buf(),
        max_receive_count: MAX_RECEIVE_COUNT,
        aws: Default::default(),
    }
}

async fn open(folder: &TempDir) -> Backend {
    backend::connect(&config(folder)).await.unwrap()
}

fn new_id() -> JobId {
    JobId::from_bits(rand::random())
}

fn spec() -> JobSpec {
    JobSpec {
        source: Source::Link { url: "http://media.test/talk.mp4".into() },
        language: None,
        task: Task::Transcribe,
        model: Some("base".into()),
        profile: Profile::Netflix,
        title: "A talk".into(),
        translation_of: None,
        video: None,
    }
}

/// A new job that lives for an hour.
fn new_job() -> Job {
    let now = WallTime::now();
    Job::queued(new_id(), spec(), now, in_an_hour())
}

fn in_an_hour() -> WallTime {
    WallTime::now() + std::time::Duration::from_secs(3600)
}
