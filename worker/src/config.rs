//! Settings of `worker pull`: the command line once, typed values from then on.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use backend::BackendConfig;

use crate::audio::MediaDecoder;
use crate::engine::{EngineConfig, SandboxMode};
use crate::fetch::FetchConfig;
use crate::lease::LeaseConfig;
use crate::retry::RetryConfig;
use crate::tasks::TaskConfig;
use crate::video::VideoConfig;

/// Everything a pulling worker needs to know. Made from [`PullArgs`]; tests shorten the durations.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Jobs worked on at once; each slot has its own engine.
    pub slots: usize,
    /// How long one call waits for a message; SQS allows 20 s.
    pub poll_wait: Duration,
    pub lease: LeaseConfig,
    pub retry: RetryConfig,
    pub fetch: FetchConfig,
    pub limits: Limits,
    pub engine: EngineConfig,
    pub video: VideoConfig,
    pub media_decoder: MediaDecoder,
    pub tasks: TaskConfig,
    /// Folder of the models.
    pub models: PathBuf,
    /// Name of the model for jobs that ask for none.
    pub model: String,
    /// Where files live while they are fetched. On the file system of the media store, adopting is a rename.
    pub scratch: PathBuf,
}

/// What one attempt may take, and how often it speaks.
#[derive(Debug, Clone)]
pub struct Limits {
    pub max_duration_ms: u64,
    /// Every attempt may transcribe this long, however short the media is.
    pub job_floor: Duration,
    /// And this many times the media's length.
    pub job_per_media: u32,
    /// Silence of this length is committed as an empty page, so that a resumed job does not hear it again.
    /// Shorter silence goes with the page that follows it.
    pub silent_page: Duration,
    /// Least time between two progress reports that tell no new stage and no new page.
    pub report_every: Duration,
    /// Progress is only told, and stored with the next page. When there is none for so long, it is stored alone: a
    /// sign of life.
    pub store_every: Duration,
    /// How long a page waits for the engine's next word. If that is its last one, page and end are one write.
    pub hold_page: Duration,
    /// What giving the message back may take at the stop.
    pub give_back: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_duration_ms: 12 * 60 * 60 * 1000,
            job_floor: Duration::from_secs(30 * 60),
            job_per_media: 4,
            silent_page: Duration::from_secs(5 * 60),
            report_every: Duration::from_secs(1),
            store_every: Duration::from_secs(30),
            hold_page: Duration::from_millis(250),
            give_back: Duration::from_secs(5),
        }
    }
}

impl WorkerConfig {
    /// What the command line says. Fails when this program's own file cannot be found.
    pub fn from_args(args: &PullArgs) -> std::io::Result<WorkerConfig> {
        Ok(WorkerConfig {
            slots: args.slots.max(1),
            poll_wait: Duration::from_secs(20),
            lease: LeaseConfig {
                // Nobody can extend a shorter lease in time.
                visibility: args.visibility.max(Duration::from_secs(1)),
                ..LeaseConfig::default()
            },
            retry: RetryConfig {
                max_attempts: args.max_attempts,
                crash_budget: args.crash_budget,
                base: args.retry_base,
                cap: args.retry_cap,
            },
            fetch: FetchConfig {
                max_bytes: args.max_fetch_bytes,
                idle: args.fetch_idle,
                total: args.fetch_total,
                ..FetchConfig::default()
            },
            limits: Limits {
                max_duration_ms: u64::try_from(args.max_duration.as_millis()).unwrap_or(u64::MAX),
                job_floor: args.job_timeout,
                ..Limits::default()
            },
            engine: EngineConfig {
                threads: args.threads.for_slots(args.slots.max(1)),
                ctranslate2: args.ctranslate2.clone(),
                sandbox: args.sandbox,
                ..EngineConfig::new(std::env::current_exe()?)
            },
            video: VideoConfig { max_bytes: args.max_video_bytes, ..VideoConfig::default() },
            media_decoder: args.media_decoder,
            tasks: args.tasks.config(true),
            models: args.models.clone(),
            model: args.model.clone(),
            scratch: args.scratch.clone().unwrap_or_else(|| args.backend.data.join("scratch")),
        })
    }
}

impl WorkerConfig {
    /// What the command line of push mode says.
    pub fn from_push_args(args: &PushArgs) -> std::io::Result<WorkerConfig> {
        let mut config = WorkerConfig::from_args(&args.pull)?;
        config.tasks = args.pull.tasks.config(args.schedule);
        // What an attempt fetched is lost when it is left; so a slow site is a failure that counts, and is told.
        config.fetch.total = config.fetch.total.min(args.patience.mul_f64(0.9));
        Ok(config)
    }
}

/// Settings of the subcommand `worker push`.
#[derive(Debug, Clone, clap::Args)]
pub struct PushArgs {
    /// Where jobs and tasks are posted to. There is no login: keep it on this machine.
    #[arg(long, value_name = "ADDRESS:PORT", env = "CUELIGHT_PUSH_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// From a request to its answer, and so a little less than the daemon waits. A job that takes longer goes on when
    /// its message comes again.
    #[arg(long, value_name = "DURATION", env = "CUELIGHT_PUSH_PATIENCE", default_value = "280s",
        value_parser = parse_duration)]
    pub patience: Duration,
    /// Do the periodic tasks by this worker's clock too, not only when they are posted.
    #[arg(long, env = "CUELIGHT_PUSH_SCHEDULE")]
    pub schedule: bool,
    #[command(flatten)]
    pub pull: PullArgs,
}

/// How often the periodic tasks are done, once across all workers.
#[derive(Debug, Clone, clap::Args)]
pub struct TaskArgs {
    /// Remove expired jobs, media without a job, and files of dead workers this often, or `never`.
    #[arg(long, value_name = "DURATION", env = "CUELIGHT_CLEANUP_EVERY", default_value = "10m",
        value_parser = parse_period)]
    pub cleanup_every: Period,
    /// Log the statistics of the last hour this often, or `never`.
    #[arg(long, value_name = "DURATION", env = "CUELIGHT_STATS_EVERY", default_value = "1h",
        value_parser = parse_period)]
    pub stats_every: Period,
    /// Hold the models against their checksums this often, or `never`; on each machine.
    #[arg(long, value_name = "DURATION", env = "CUELIGHT_UPDATE_MODEL_EVERY", default_value = "1d",
        value_parser = parse_period)]
    pub update_model_every: Period,
}

impl TaskArgs {
    pub fn config(&self, is_scheduled: bool) -> TaskConfig {
        TaskConfig {
            cleanup_every: self.cleanup_every.0,
            stats_every: self.stats_every.0,
            update_model_every: self.update_model_every.0,
            is_scheduled,
        }
    }
}

/// `None`: never. A type of its own, since an `Option` means something else to clap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Option<Duration>);

fn parse_period(text: &str) -> Result<Period, String> {
    match text {
        "never" => Ok(Period(None)),
        text => match parse_duration(text)? {
            Duration::ZERO => Err("a period cannot be zero; write never to leave it out".to_owned()),
            period => Ok(Period(Some(period))),
        },
    }
}

/// Settings of the subcommand `worker pull`, which `worker push` takes too.
#[derive(Debug, Clone, clap::Args)]
pub struct PullArgs {
    #[command(flatten)]
    pub backend: BackendConfig,
    /// Folder of the models.
    #[arg(long, value_name = "DIR", env = "CUELIGHT_MODELS", default_value_os_t = default_models())]
    pub models: PathBuf,
    /// Model for jobs that ask for none.
    #[arg(long, value_name = "NAME", env = "CUELIGHT_MODEL", default_value = "base")]
    pub model: String,
    /// Jobs worked on at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub slots: usize,
    /// Windows of one job transcribed at once; `auto` shares the processors that this worker may use among its slots.
    #[arg(long, value_name = "N", env = "CUELIGHT_THREADS", default_value = "auto", value_parser = parse_threads)]
    pub threads: Threads,
    /// Transcribe with this library, which `./dev engine ctranslate2` makes, instead of whisper.cpp.
    #[arg(long, value_name = "FILE", env = "CUELIGHT_CTRANSLATE2")]
    pub ctranslate2: Option<PathBuf>,
    /// How the engine is confined: `required` (the worker does not start where the kernel lacks a part of it),
    /// `best-effort` (it starts and warns), or `off`.
    #[arg(long, value_name = "MODE", env = "CUELIGHT_SANDBOX", default_value = "best-effort")]
    pub sandbox: SandboxMode,
    /// `auto` leaves to ffmpeg what symphonia cannot decode, where ffmpeg is installed; `symphonia` starts no other program.
    #[arg(long, value_name = "NAME", env = "CUELIGHT_MEDIA_DECODER", value_enum, default_value_t)]
    pub media_decoder: MediaDecoder,
    /// Folder for files while they are fetched; inside the data folder, if not given.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// Passing failures of a job after which the last one is told instead of tried again.
    #[arg(long, value_name = "N", env = "CUELIGHT_MAX_ATTEMPTS", default_value_t = 4)]
    pub max_attempts: u32,
    /// Crashes of a job's engine or worker after which the job is given up.
    #[arg(long, value_name = "N", env = "CUELIGHT_CRASH_BUDGET", default_value_t = 3)]
    pub crash_budget: u32,
    /// Wait before the second attempt; doubled for each one after it.
    #[arg(long, value_name = "DURATION", env = "CUELIGHT_RETRY_BASE", default_value = "2s", value_parser = parse_duration)]
    pub retry_base: Duration,
    /// Longest wait between two attempts; SQS knows at most twelve hours.
    #[arg(long, value_name = "DURATION", env = "CUELIGHT_RETRY_CAP", default_value = "5m", value_parser = parse_duration)]
    pub retry_cap: Duration,
    /// How long a message stays hidden without a sign of life from its worker.
    #[arg(long, value_name = "DURATION", env = "CUELIGHT_VISIBILITY", default_value = "120s", value_parser = parse_duration)]
    pub visibility: Duration,
    /// Largest file that is fetched, in bytes.
    #[arg(long, value_name = "N", default_value_t = FetchConfig::default().max_bytes)]
    pub max_fetch_bytes: u64,
    /// Longest silence of a site while a file is fetched.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub fetch_idle: Duration,
    /// Longest time one file is fetched.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    pub fetch_total: Duration,
    /// Longest media that is transcribed.
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = parse_duration)]
    pub max_duration: Duration,
    /// Largest video with subtitles that is made, in bytes.
    #[arg(long, value_name = "N", env = "CUELIGHT_MAX_VIDEO_BYTES", default_value_t = VideoConfig::default().max_bytes)]
    pub max_video_bytes: u64,
    /// Longest time one attempt transcribes; long media may take four times its length.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = parse_duration)]
    pub job_timeout: Duration,
    #[command(flatten)]
    pub tasks: TaskArgs,
}

/// How many windows of one job are transcribed at once. `None`: as many as there are processors for each slot. A type
/// of its own, since an `Option` means something else to clap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threads(pub Option<NonZeroUsize>);

impl Threads {
    /// Each window takes buffers of its own, and one job is short of windows in the end.
    const MOST: usize = 8;

    /// `./dev bench engine` says what a second thread brings: with one processor for each, nearly as much as the first.
    pub fn for_slots(self, slots: usize) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.0.map_or_else(|| Threads::share(processors(), slots), NonZeroUsize::get)
    }

    fn share(processors: usize, slots: usize) -> usize {
        (processors / slots.max(1)).clamp(1, Threads::MOST)
    }
}

fn parse_threads(text: &str) -> Result<Threads, String> {
    if text == "auto" {
        return Ok(Threads(None));
    }
    text.parse().map(|count| Threads(Some(count))).map_err(|_| "write auto, or a number from 1".to_owned())
}

/// Where models are kept unless `--models` says otherwise.
pub fn default_models() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    home.join(".local/share/cuelight/models")
}

/// `500ms`, `20s`, `10m`, `2h`, `7d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("not a duration: {text}"))?;
    let millis = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    millis
        .and_then(|millis| number.checked_mul(millis))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("not a duration: {text}; write it like 500ms, 20s, 10m, 2h or 7d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_shared_among_slots() {
        let check = |processors: usize, slots: usize, expect: usize| {
            assert_eq!(Threads::share(processors, slots), expect, "{processors} processors, {slots} slots");
        };
        check(1, 1, 1);
        check(2, 1, 2);
        check(2, 2, 1);
        check(2, 5, 1);
        check(9, 2, 4);
        check(64, 1, Threads::MOST);
        assert_eq!(parse_threads("3").map(|threads| threads.for_slots(7)), Ok(3));
        assert_eq!(parse_threads("auto"), Ok(Threads(None)));
        assert!(parse_threads("0").is_err() && parse_threads("many").is_err());
    }

    #[test]
    fn durations_need_a_number_and_a_unit() {
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(parse_duration(text).ok(), expect.map(Duration::from_millis), "{text}");
        };
        check("500ms", Some(500));
        check("20s", Some(20_000));
        check("10m", Some(600_000));
        check("2h", Some(7_200_000));
        check("7d", Some(604_800_000));
        check("20", None);
        check("s", None);
        check("", None);
        check("-1s", None);
        check("99999999999999999999s", None);
        check("9999999999999999d", None);
    }
}
