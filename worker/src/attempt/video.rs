//! An attempt at a job that makes a video. It is done from the start each time: half a video is of no use.

use std::io;
use std::path::{Path, PathBuf};

use backend::{JobRecord, MediaLocation};
use domain::{Failure, JobStatus, Stage, Track, Video};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use super::{Attempt, Stop};
use crate::audio::MediaDecoder;
use crate::engine::{EngineError, sandbox};
use crate::fetch::FetchError;
use crate::video::{self, Ffmpeg, FfmpegError, Folders, Plan, Step};

/// What tells a container.
const HEAD_BYTES: u64 = 4096;

impl Attempt<'_> {
    /// Until the video lies in the media store. Dropping the future kills ffmpeg.
    pub(super) async fn make_video(&mut self, video: Video) -> Result<(), Stop> {
        self.enter(Stage::Preparing).await?;
        let original = self.original(video).await?;
        let media = self.media_of(video).await?;
        let track = self.track_of(&original, video)?;
        if self.worker.config.media_decoder == MediaDecoder::Symphonia || sandbox::ffmpeg().is_none() {
            return Err(Stop::Failed(Failure::NoFfmpeg));
        }
        let scratch = self.worker.scratch.attempt().map_err(FetchError::Scratch)?;
        let made = self.run_ffmpeg(video, &media, scratch.path(), &track).await?;
        // Who takes ffmpeg over, where the kernel knows no Landlock, could have left a link to any file.
        if !tokio::fs::symlink_metadata(&made).await.map_err(FetchError::Scratch)?.is_file() {
            return Err(Stop::Failed(Failure::VideoFailed));
        }
        // Whoever took the job over may want another video, and the media store knows no attempts.
        self.store_progress().await?;
        self.worker.backend.media.adopt(self.job.id, &made).await?;
        self.job.progress.has_media = true;
        Ok(())
    }

    async fn original(&self, video: Video) -> Result<JobRecord, Stop> {
        let record = self.worker.backend.store.read(video.of).await?;
        let is_complete = |record: &JobRecord| record.job.status == JobStatus::Completed;
        record.filter(is_complete).ok_or(Stop::Failed(Failure::OriginalGone))
    }

    async fn media_of(&self, video: Video) -> Result<PathBuf, Stop> {
        let located = self.worker.backend.media.locate(video.of).await?;
        let MediaLocation::File(path) = located.ok_or(Stop::Failed(Failure::OriginalGone))?;
        std::path::absolute(path).map_err(|error| FetchError::Scratch(error).into())
    }

    fn track_of(&self, original: &JobRecord, video: Video) -> Result<Track, Stop> {
        let track = original.track(Some(self.job.spec.profile)).map_err(|error| Stop::Passing {
            failure: Failure::GaveUp,
            retry_after: None,
            cause: error.into(),
        })?;
        let track = track.moved(video.offset_ms);
        if track.cues().is_empty() { Err(Stop::Failed(Failure::NoSubtitles)) } else { Ok(track) }
    }

    /// The video as a file in `scratch`.
    async fn run_ffmpeg(
        &mut self,
        video: Video,
        media: &Path,
        scratch: &Path,
        track: &Track,
    ) -> Result<PathBuf, Stop> {
        let config = &self.worker.config;
        let (limits, engine) = (config.video.clone(), config.engine.clone());
        let scratch = std::path::absolute(scratch).map_err(FetchError::Scratch)?;
        let folders = Folders { media, scratch: &scratch, max_bytes: limits.max_bytes };
        let failed = |error| stop_of(error, limits.max_bytes);
        let listing = video::list(&engine, folders, limits.silence_limit).await.map_err(failed)?;
        let head = head_of(media).await.map_err(FetchError::Scratch)?;
        let plan = Plan::new(video.how, media, &head, &listing, track).map_err(Stop::Failed)?;
        let subtitles = scratch.join(Plan::SUBTITLES);
        tokio::fs::write(&subtitles, &plan.subtitles).await.map_err(FetchError::Scratch)?;

        let media_ms = listing.duration_ms;
        self.job.progress.duration_ms = media_ms.or(self.job.progress.duration_ms);
        self.meter.opened(media_ms, 0);
        let mut ffmpeg =
            Ffmpeg::spawn(&engine, folders, &plan.arguments, limits.silence_limit).await.map_err(failed)?;
        self.enter(Stage::Rendering).await?;
        let deadline = Instant::now() + self.time_limit(media_ms.unwrap_or(0));
        self.last_window = Instant::now();
        loop {
            match timeout_at(deadline.min(self.store_at), ffmpeg.next()).await {
                Ok(Ok(Step::At(position_ms))) => {
                    self.meter.heard(position_ms, self.last_window.elapsed());
                    self.last_window = Instant::now();
                    self.report_if_due().await?;
                }
                Ok(Ok(Step::Done)) => return Ok(scratch.join(Plan::VIDEO)),
                Ok(Err(error)) => return Err(failed(error)),
                Err(_) if deadline <= Instant::now() => return Err(Stop::Failed(Failure::TimedOut)),
                Err(_) => self.report().await?,
            }
        }
    }
}

async fn head_of(media: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(media).await?.take(HEAD_BYTES).read_to_end(&mut head).await?;
    Ok(head)
}

/// What the media or the installation is at fault for ends the job; the rest may go better the next time.
fn stop_of(error: FfmpegError, limit_bytes: u64) -> Stop {
    match error {
        FfmpegError::GaveUp(_) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "no video can be made of this media");
            Stop::Failed(Failure::VideoFailed)
        }
        FfmpegError::TooLarge => Stop::Failed(Failure::VideoTooLarge { limit_bytes }),
        FfmpegError::NoFont(letter) => Stop::Failed(Failure::NoFont { letter: letter.into() }),
        FfmpegError::Died { status } => Stop::EngineDied(EngineError::Died { status }),
        FfmpegError::Hung { silence } => Stop::EngineDied(EngineError::Hung { silence }),
        error @ (FfmpegError::Spawn(_) | FfmpegError::DiskFull) => {
            Stop::Passing { failure: Failure::GaveUp, retry_after: None, cause: error.into() }
        }
    }
}
