//! One attempt at one job: media to scratch to store, engine, windows to pages; or ffmpeg, and the video that it makes.

mod media;
mod stop;
mod video;

use std::error::Error as StdError;
use std::time::Duration;

use backend::{MediaLocation, Written};
use domain::{CuePage, Failure, Job, JobChange, JobEvent, Progress, Stage, Timestamp, Version, Word};
use tokio::time::{Instant, timeout_at};

use crate::engine::{Engine, EngineEvent, Request};
use crate::lease::Proof;
use crate::meter::Meter;
use crate::model;
use crate::pages::Pages;
use crate::process::Worker;
pub use stop::Stop;

/// Publishes a hint. One that is lost is made good by the next one, or by whoever reads the store.
pub async fn tell(worker: &Worker, event: &JobEvent) {
    if let Err(error) = worker.backend.topic.publish(event).await {
        tracing::warn!(error = &error as &dyn StdError, "could not publish an event, going on");
    }
}

/// The event of a page that was committed together with the end: how the job was just before it.
pub fn last_cues(before: Job, ended: &Job, page: CuePage) -> JobEvent {
    let Progress { pages, cues, transcribed, .. } = ended.progress;
    let progress = Progress { pages, cues, transcribed, ..before.progress };
    let page = CuePage { version: ended.version - Job::VERSION_STEP, ..page };
    JobEvent::cues_of(&Job { progress, ..before }, &page)
}

/// A claimed job on its way to its end.
///
/// The store takes its pages and its end; how far it is in between is only told, as hints that nobody stores. When
/// nothing else was stored for a while, a report is: it shows that somebody works on the job.
pub struct Attempt<'a> {
    worker: &'a Worker,
    /// The slot's place for its warm engine. Empty while it works: an attempt that is dropped kills its engine.
    warm: &'a mut Option<Engine>,
    /// In step with the store, but for the progress that was only told.
    pub job: Job,
    meter: Meter,
    /// Events told of the last stored version: itself, and the hints behind it.
    hints: Version,
    last_report: Instant,
    /// When a report is to be stored, if nothing else is before.
    store_at: Instant,
    /// Renewed by each write that the store takes.
    proof: Proof,
    last_window: Instant,
    /// Waits for what the engine says next: with its last word, page and end are one write.
    held: Option<Held>,
    /// Start of the silence that is heard but not committed.
    silent_since: Option<Timestamp>,
    pages: Pages,
    /// How loud it is behind the last page.
    peaks: String,
}

/// A page on its way to the store.
struct Held {
    page: CuePage,
    until: Instant,
}

impl<'a> Attempt<'a> {
    /// The job as it was just claimed.
    pub fn new(worker: &'a Worker, warm: &'a mut Option<Engine>, job: Job, proof: Proof) -> Attempt<'a> {
        let now = Instant::now();
        Attempt {
            worker,
            warm,
            meter: Meter::starting_at(job.progress.fraction),
            pages: Pages::after(None, job.spec.profile),
            job,
            hints: 1,
            last_report: now,
            store_at: now + worker.config.limits.store_every,
            proof,
            last_window: now,
            held: None,
            silent_since: None,
            peaks: String::new(),
        }
    }

    /// The job, and the page that is still to be committed, for the end to take along.
    pub fn into_parts(self) -> (Job, Option<CuePage>) {
        (self.job, self.held.map(|held| held.page))
    }

    /// Until every window of the media is committed, or the video is made. Dropping the future kills the engine.
    pub async fn run(&mut self) -> Result<(), Stop> {
        if let Some(video) = self.job.spec.video {
            return self.make_video(video).await;
        }
        let request = self.request().await?;
        self.meter.has_media();
        self.enter(Stage::Preparing).await?;
        let mut engine = self.start_engine(&request).await?;
        let failure = self.hear(&mut engine, &request).await?;
        *self.warm = Some(engine);
        failure.map_or(Ok(()), |failure| Err(Stop::Failed(failure)))
    }

    async fn request(&mut self) -> Result<Request, Stop> {
        let models = &self.worker.config.models;
        let name = self.job.spec.model.clone().unwrap_or_else(|| self.worker.config.model.clone());
        let model = model::find(models, &name).map_err(|error| {
            tracing::warn!(
                model = name,
                error = &error as &dyn StdError,
                "the job asks for a model that is not here"
            );
            Stop::Failed(Failure::UnknownModel { model: name.clone() })
        })?;
        let voice_model = model::voice(models).map_err(|error| Stop::Passing {
            failure: Failure::GaveUp,
            retry_after: None,
            cause: error.into(),
        })?;
        let previous_words = self.go_on().await?;
        let MediaLocation::File(media) = self.media().await?;
        Ok(Request {
            media,
            model,
            voice_model,
            // What an earlier attempt detected stays: one track has one language.
            language: self.job.spec.language.clone().or_else(|| self.job.progress.language.clone()),
            track_language: self.job.spec.language.clone(),
            decoder: self.worker.config.media_decoder,
            task: self.job.spec.task,
            resume_from: self.job.progress.transcribed,
            previous_words,
            max_duration_ms: self.worker.config.limits.max_duration_ms,
        })
    }

    /// Goes on behind the pages of earlier attempts, and gives the last words in them.
    async fn go_on(&mut self) -> Result<Vec<Word>, Stop> {
        if self.job.progress.pages == 0 {
            return Ok(Vec::new());
        }
        let pages = self.worker.backend.store.pages(self.job.id, 0).await?;
        self.pages = Pages::after(pages.last(), self.job.spec.profile);
        let open = pages.last().and_then(|page| page.open.as_ref()).map(|open| open.words.as_slice());
        let words = pages.iter().flat_map(|page| &page.words).chain(open.unwrap_or_default());
        let mut last: Vec<Word> = words.rev().take(Request::PREVIOUS_WORDS).cloned().collect();
        last.reverse();
        Ok(last)
    }

    /// An engine that has taken the request: the warm one, if it is still alive.
    async fn start_engine(&mut self, request: &Request) -> Result<Engine, Stop> {
        if let Some(mut engine) = self.warm.take() {
            match engine.start(request).await {
                Ok(()) => return Ok(engine),
                // It died while it had nothing to do: not this job's doing.
                Err(error) => tracing::warn!(error = &error as &dyn StdError, "the warm engine was dead"),
            }
        }
        let mut engine = Engine::spawn(&self.worker.config.engine).await?;
        engine.start(request).await?;
        Ok(engine)
    }

    /// Takes the engine's events to its last one; returns the failure that a healthy engine reports.
    async fn hear(&mut self, engine: &mut Engine, request: &Request) -> Result<Option<Failure>, Stop> {
        let started = Instant::now();
        self.last_window = started;
        let mut media_ms = 0;
        loop {
            let deadline = started + self.time_limit(media_ms);
            match self.next_event(engine, deadline).await? {
                EngineEvent::Opened { duration_ms } => {
                    media_ms = duration_ms.unwrap_or(0);
                    self.job.progress.duration_ms = duration_ms;
                    self.meter.opened(duration_ms, request.resume_from.0);
                    self.enter(Stage::Preparing).await?;
                }
                EngineEvent::Language { tag, probability } => {
                    let progress = &mut self.job.progress;
                    // Handed down by an earlier attempt, it is as sure as it was.
                    if progress.language.as_ref() != Some(&tag) {
                        progress.language_confidence = probability;
                        progress.language = Some(tag);
                    }
                    if probability.is_some() {
                        // So that it can be corrected before the first window is done.
                        self.report().await?;
                    }
                }
                EngineEvent::Window { start, end, words, peaks } => {
                    media_ms = media_ms.max(end.0);
                    self.peaks.push_str(&peaks);
                    self.window(start, end, words).await?;
                }
                EngineEvent::Finished { duration_ms } => {
                    self.job.progress.duration_ms = Some(duration_ms);
                    self.hold_rest(Timestamp(duration_ms));
                    return Ok(None);
                }
                EngineEvent::Failed { failure } => {
                    self.hold_rest(Timestamp(0));
                    return Ok(Some(failure));
                }
            }
        }
    }

    /// The engine's next event. While none comes, a page that waited long enough for it is committed, and the store
    /// gets its sign of life.
    async fn next_event(&mut self, engine: &mut Engine, deadline: Instant) -> Result<EngineEvent, Stop> {
        loop {
            let held_until = self.held.as_ref().map(|held| held.until);
            let wake = deadline.min(self.store_at).min(held_until.unwrap_or(deadline));
            match timeout_at(wake, engine.next_event()).await {
                Ok(Ok(event)) => return Ok(event),
                Ok(Err(error)) => {
                    self.leave().await;
                    return Err(error.into());
                }
                Err(_) if deadline <= Instant::now() => return Err(Stop::Failed(Failure::TimedOut)),
                Err(_) if held_until.is_some_and(|until| until <= Instant::now()) => {
                    self.commit_held().await?;
                }
                Err(_) => self.report().await?,
            }
        }
    }

    /// Commits what is held although the attempt ends without an end of the job: nobody has to hear it again.
    pub async fn leave(&mut self) {
        if let Err(Stop::Passing { cause, .. }) = self.commit_held().await {
            tracing::warn!(error = &*cause as &dyn StdError, "the last page was not stored");
        }
    }

    fn time_limit(&self, media_ms: u64) -> Duration {
        let limits = &self.worker.config.limits;
        limits.job_floor.max(Duration::from_millis(media_ms) * limits.job_per_media)
    }

    /// One window of the engine. Short silence is kept until the page that follows it, so that pages are not
    /// empty spam; long silence becomes an empty page, so that no later attempt hears it again.
    async fn window(&mut self, start: Timestamp, end: Timestamp, words: Vec<Word>) -> Result<(), Stop> {
        self.meter.heard(end.0, self.last_window.elapsed());
        self.last_window = Instant::now();
        self.job.progress.stage = Stage::Transcribing;
        let page_start = self.silent_since.unwrap_or(start);
        let silence = Duration::from_millis(end.saturating_sub(page_start));
        tracing::debug!(start_ms = start.0, end_ms = end.0, words = words.len(), "window heard");
        if words.is_empty() && silence < self.worker.config.limits.silent_page {
            self.silent_since = Some(page_start);
            return self.report_if_due().await;
        }
        self.silent_since = None;
        self.commit_held().await?;
        let page = self.pages.window(page_start, end, words);
        self.read_meter();
        self.hold(page);
        Ok(())
    }

    fn hold(&mut self, page: CuePage) {
        let peaks = std::mem::take(&mut self.peaks);
        let page = CuePage { number: self.job.progress.pages, peaks, ..page };
        self.held = Some(Held { page, until: Instant::now() + self.worker.config.limits.hold_page });
    }

    /// Lays out what still waits for words: none come any more.
    fn hold_rest(&mut self, end: Timestamp) {
        let Some(mut rest) = self.pages.rest(end) else { return };
        match &mut self.held {
            Some(Held { page, .. }) => {
                page.words.append(&mut rest.words);
                page.cues.append(&mut rest.cues);
                (page.end, page.open) = (rest.end, None);
                page.peaks.push_str(&std::mem::take(&mut self.peaks));
            }
            None => self.hold(rest),
        }
    }

    async fn commit_held(&mut self) -> Result<(), Stop> {
        let Some(Held { mut page, .. }) = self.held.take() else { return Ok(()) };
        let Job { id, attempt, ref progress, .. } = self.job;
        let written = self.worker.backend.store.append_cues(id, attempt, &page, progress).await?;
        page.version = self.at(written)?;
        self.job.progress.pages += 1;
        self.job.progress.cues += page.cues.len() as u32;
        self.job.progress.transcribed = page.heard_until();
        self.last_report = Instant::now();
        tell(self.worker, &JobEvent::cues_of(&self.job, &page)).await;
        Ok(())
    }

    async fn enter(&mut self, stage: Stage) -> Result<(), Stop> {
        self.job.progress.stage = stage;
        self.report().await
    }

    async fn report_if_due(&mut self) -> Result<(), Stop> {
        if self.last_report.elapsed() < self.worker.config.limits.report_every {
            return Ok(());
        }
        self.report().await
    }

    /// Publishes the progress, and stores it when that is due. Fails only when the store says that the job is not
    /// ours: one report more or less is no reason to stop.
    async fn report(&mut self) -> Result<(), Stop> {
        self.read_meter();
        self.last_report = Instant::now();
        if self.store_at <= self.last_report {
            self.store_progress().await?;
        }
        let version = self.job.version + self.hints;
        // So many hints in one step: the store does not answer, and has to before more is told.
        if version < Job::next_version(self.job.version) {
            self.hints += 1;
            let change = JobChange::Progress { progress: self.job.progress.clone() };
            tell(self.worker, &JobEvent { id: self.job.id, version, change }).await;
        }
        Ok(())
    }

    async fn store_progress(&mut self) -> Result<(), Stop> {
        let Job { id, attempt, ref progress, .. } = self.job;
        match self.worker.backend.store.report(id, attempt, progress).await {
            Ok(written) => {
                self.at(written)?;
                // The version of the stored report itself is still to be told.
                self.hints = 0;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "could not store the progress, going on");
                self.store_at = Instant::now() + self.worker.config.limits.store_every / 10;
            }
        }
        Ok(())
    }

    fn read_meter(&mut self) {
        self.job.progress.fraction = self.meter.fraction();
        self.job.progress.eta_ms = self.meter.eta_ms();
    }

    fn at(&mut self, written: Written) -> Result<Version, Stop> {
        match written {
            Written::At(version) => {
                self.job.version = version;
                // The version itself is told by whoever wrote it.
                self.hints = 1;
                self.store_at = Instant::now() + self.worker.config.limits.store_every;
                self.proof.renew();
                Ok(version)
            }
            Written::Fenced => Err(Stop::Fenced),
        }
    }
}
