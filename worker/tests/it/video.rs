//! Videos with subtitles: real media, a real ffmpeg, and what comes out of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use backend::{Claim, Finished, MediaLocation, Outcome, SavedCorrections, Written};
use bytes::Bytes;
use domain::correction::Correction;
use domain::{
    Corrections, Cue, CuePage, Failure, Job, JobChange, JobEvent, JobId, JobStatus, Profile, Progress,
    Source, Stage, Timestamp, Video, VideoHow, WallTime, Word,
};
use worker::config::WorkerConfig;
use worker::engine::sandbox::try_out_writing;
use worker::engine::{EngineConfig, SandboxMode};
use worker::video::{Ffmpeg, FfmpegError, Folders, Step, VideoConfig};

use crate::engine::config;
use crate::process_support::{ProcessEnd, WorkerProcess, children, send_signal};
use crate::support::{Bench, Listener, job, patiently};

/// When somebody speaks, in milliseconds, and what.
const SAID: [(u64, u64, &str); 3] =
    [(1_000, 2_500, "Good morning."), (3_000, 4_500, "It rains again."), (6_000, 7_500, "Good night.")];

/// 9 s of an even picture with three sentences, as MP4.
fn spoken_video(folder: &Path) -> PathBuf {
    let mut arguments: Vec<String> =
        ["-f", "lavfi", "-i", "color=c=gray:s=640x361:r=25:d=9,format=yuv444p"].map(String::from).into();
    let mut mixed = String::new();
    for (index, (start, _, text)) in SAID.iter().enumerate() {
        let wav = folder.join(format!("{index}.wav"));
        let status = Command::new("espeak-ng").arg("-w").arg(&wav).arg(text).status().unwrap();
        assert!(status.success(), "espeak-ng {text}");
        arguments.extend(["-i".into(), wav.to_str().unwrap().into()]);
        mixed += &format!("[{}:a]adelay={start}[a{index}];", index + 1);
    }
    mixed += "[a0][a1][a2]amix=3,apad,atrim=0:9[a]";
    arguments.extend(["-filter_complex", &mixed, "-map", "0:v", "-map", "[a]"].map(String::from));
    arguments.extend(["-pix_fmt", "yuv444p"].map(String::from));
    let path = folder.join("spoken.mp4");
    ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &path);
    path
}

fn remade(from: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = from.with_file_name(name);
    ffmpeg(&[&["-i", from.to_str().unwrap()], arguments].concat(), &path);
    path
}

fn ffmpeg(arguments: &[&str], to: &Path) {
    let status = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(to).status().unwrap();
    assert!(status.success(), "ffmpeg {arguments:?}");
}

/// What ffprobe lists of a file, a line each.
fn probe(path: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0"])
        .args(arguments)
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.trim_matches(',').to_owned()).collect()
}

/// The cues of the first track of subtitles, as ffmpeg reads them: starts and texts.
fn subtitles_in(path: &Path) -> Vec<(u64, String)> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-copyts", "-i"])
        .arg(path)
        .args(["-map", "0:s:0", "-f", "srt", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let track = domain::Format::Srt.read(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    track.cues().iter().map(|cue| (cue.start.0, cue.text.clone())).collect()
}

/// How bright each point of the lower half is at a moment.
fn lower_half(path: &Path, at_ms: u64) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &format!("{}.{:03}", at_ms / 1000, at_ms % 1000), "-i"])
        .arg(path)
        .args(["-frames:v", "1", "-vf", "crop=iw:ih/2:0:ih/2", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .unwrap();
    assert!(output.status.success() && !output.stdout.is_empty(), "no picture at {at_ms} ms");
    output.stdout
}

/// Whether white letters stand in the lower half of the gray picture.
fn has_letters(path: &Path, at_ms: u64) -> bool {
    lower_half(path, at_ms).iter().filter(|point| **point > 200).count() > 50
}

impl Bench {
    /// A job that is complete, with one word for each cue's text, as if somebody had heard it.
    async fn completed(&self, media: &Path, said: &[(u64, u64, &str)]) -> JobId {
        let bytes = std::fs::read(media).unwrap();
        let source = Source::Upload { filename: "spoken.mp4".into(), bytes: bytes.len() as u64 };
        let job = job(source);
        let mut writer = self.backend.media.write(job.id).await.unwrap();
        writer.write(Bytes::from(bytes)).await.unwrap();
        writer.finish().await.unwrap();
        let store = &self.backend.store;
        store.create(&job, None).await.unwrap();
        let Claim::Won(job) = store.claim(job.id, "heard", 1).await.unwrap() else { panic!("not claimed") };
        let cue = |(start, end, text): &(u64, u64, &str)| Cue {
            start: Timestamp(*start),
            end: Timestamp(*end),
            text: (*text).into(),
            doubts: Vec::new(),
        };
        let cues: Vec<Cue> = said.iter().map(cue).collect();
        let words = cues.iter().map(|cue| Word {
            start: cue.start,
            end: cue.end,
            text: cue.text.clone(),
            probability: 1.0,
        });
        let page = CuePage {
            number: 0,
            version: 0,
            start: Timestamp(0),
            end: Timestamp(9_000),
            words: words.collect(),
            cues,
            open: None,
            peaks: String::new(),
        };
        let progress = Progress { has_media: true, duration_ms: Some(9_000), ..Progress::default() };
        let outcome = Outcome {
            failure: None,
            counted: None,
            progress,
            finished_at: WallTime::now(),
            expires_at: job.expires_at,
        };
        let finished = store.finish(job.id, job.attempt, Some(&page), &outcome).await.unwrap();
        assert!(matches!(finished, Finished::First(_)), "{finished:?}");
        job.id
    }

    async fn video(&self, of: JobId, how: VideoHow) -> JobId {
        self.video_with(Video { of, how, offset_ms: 0 }, Profile::default()).await
    }

    async fn video_with(&self, video: Video, profile: Profile) -> JobId {
        let original = self.job(video.of).await;
        let job = Job {
            spec: original.spec.video(video, profile),
            ..job(Source::Link { url: "http://media.test/never".into() })
        };
        let job = Job::queued(job.id, job.spec, job.created_at, job.expires_at);
        self.submit(&job).await;
        job.id
    }

    async fn media(&self, id: JobId) -> PathBuf {
        let MediaLocation::File(path) =
            self.backend.media.locate(id).await.unwrap().expect("there is a video");
        path
    }

    /// The finished video, and what was told of it.
    async fn made(&self, listener: &mut Listener, id: JobId) -> (PathBuf, Vec<JobEvent>) {
        let told = listener.until_ended(id).await;
        let job = self.job(id).await;
        assert_eq!((job.status, &job.failure, job.progress.has_media), (JobStatus::Completed, &None, true));
        assert_eq!((job.progress.cues, job.progress.fraction), (0, 1.0));
        (self.media(id).await, told)
    }

    async fn failure(&self, listener: &mut Listener, id: JobId) -> Failure {
        listener.until_ended(id).await;
        let job = self.job(id).await;
        assert_eq!((job.status, job.progress.has_media), (JobStatus::Failed, false));
        job.failure.unwrap()
    }
}

fn is_rendering(change: &JobChange) -> bool {
    matches!(change, JobChange::Progress { progress } if progress.stage == Stage::Rendering)
}

/// ffmpeg of a worker in this very process, told from that of other tests by the folder it reads from. A moment after it
/// was started it is still what started it.
async fn ffmpeg_of(bench: &Bench) -> u32 {
    let folder = bench.data().to_str().unwrap().to_owned();
    for _ in 0..100 {
        let found = children(std::process::id()).into_iter().find(|process| {
            let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&arguments).contains(&folder)
        });
        if let Some(process) = found {
            return process;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no ffmpeg is at work")
}

/// A still picture of several minutes, which takes long to be encoded anew.
fn long_video(folder: &Path, rounds: u32) -> PathBuf {
    let short = folder.join("short.mp4");
    let sources = ["-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=10", "-f", "lavfi", "-i", "sine=d=10"];
    ffmpeg(&[&sources[..], &["-preset", "ultrafast"]].concat(), &short);
    let path = folder.join("long.mp4");
    let rounds = rounds.to_string();
    ffmpeg(&["-stream_loop", &rounds, "-i", short.to_str().unwrap(), "-c", "copy"], &path);
    path
}

#[tokio::test]
async fn a_track_is_added_to_what_every_container_held() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = bench.start(bench.config());
    let mp4 = spoken_video(bench.folder.path());
    let srt = mp4.with_file_name("old.srt");
    std::fs::write(&srt, "1\n00:00:01,000 --> 00:00:02,000\nOld\n").unwrap();
    let with_old = ["-i", srt.to_str().unwrap(), "-map", "0", "-map", "1", "-c", "copy", "-c:s", "srt"];
    let cases = [
        (mp4.clone(), "mov,", "h264 aac mov_text"),
        (remade(&mp4, "a.mov", &["-c:v", "copy", "-c:a", "pcm_s16le"]), "mov,", "h264 pcm_s16le mov_text"),
        (remade(&mp4, "a.mkv", &with_old), "matroska", "h264 aac subrip subrip"),
        (
            remade(&mp4, "a.webm", &["-pix_fmt", "yuv420p", "-c:v", "libvpx", "-c:a", "libopus"]),
            "matroska",
            "vp8 opus webvtt",
        ),
        (remade(&mp4, "a.ts", &["-c", "copy"]), "matroska", "h264 aac subrip"),
        (remade(&mp4, "a.m4a", &["-vn", "-c", "copy"]), "mov,", "aac mov_text"),
        (remade(&mp4, "a.mp3", &["-vn"]), "matroska", "mp3 subrip"),
    ];
    for (media, format, codecs) in cases {
        let original = bench.completed(&media, &SAID).await;
        let (video, _) = {
            let id = bench.video(original, VideoHow::Mux).await;
            bench.made(&mut listener, id).await
        };
        let name = media.file_name().unwrap();
        assert!(probe(&video, &["-show_entries", "format=format_name"])[0].contains(format), "{name:?}");
        assert_eq!(probe(&video, &["-show_entries", "stream=codec_name"]).join(" "), codecs, "{name:?}");
        let subtitles = subtitles_in(&video);
        let texts: Vec<&str> = subtitles.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, SAID.map(|(_, _, text)| text), "{name:?}");
        for ((start, _), (expect, ..)) in subtitles.iter().zip(SAID) {
            assert!(start.abs_diff(expect) <= 30, "{name:?}: {start} and not {expect}");
        }
        let tags = probe(
            &video,
            &["-select_streams", "s:0", "-show_entries", "stream_tags=language,title,handler_name"],
        );
        assert!(tags[0].contains("eng") && tags[0].contains("English"), "{name:?}: {tags:?}");
        let is_default =
            probe(&video, &["-select_streams", "s:0", "-show_entries", "stream_disposition=default"]);
        assert_eq!(is_default, ["1"], "{name:?}");
    }
    bench.until_idle().await;
    worker.stop().await;
}

#[tokio::test]
async fn cues_are_drawn_where_they_are_shown_and_nowhere_else() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = bench.start(WorkerConfig {
        engine: EngineConfig { sandbox: SandboxMode::Required, ..bench.config().engine },
        ..bench.config()
    });
    let media = spoken_video(bench.folder.path());
    let original = bench.completed(&media, &SAID).await;
    let id = bench.video(original, VideoHow::Burn).await;
    let (video, told) = bench.made(&mut listener, id).await;
    assert_eq!(
        probe(&video, &["-show_entries", "stream=codec_name,pix_fmt,width,height"]),
        ["h264,640,362,yuv420p", "aac"]
    );
    for (start, end, _) in SAID {
        assert!(has_letters(&video, start + 200) && has_letters(&video, end - 200), "{start} to {end}");
        assert!(
            !has_letters(&video, start - 200) && !has_letters(&video, end + 200),
            "around {start} to {end}"
        );
    }
    // The sound is what it was.
    let sound = |path| probe(path, &["-select_streams", "a", "-show_entries", "packet=size"]);
    assert_eq!(sound(&video), sound(&media));
    let shares: Vec<f32> = told
        .iter()
        .filter_map(|event| match &event.change {
            JobChange::Progress { progress } => Some(progress.fraction),
            _ => None,
        })
        .collect();
    assert!(shares.is_sorted() && told.iter().any(|event| is_rendering(&event.change)), "{told:#?}");
    assert!(told.is_sorted_by_key(|event| event.version));
    worker.stop().await;
}

#[tokio::test]
async fn corrections_the_profile_and_the_offset_count() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = bench.start(bench.config());
    let media = spoken_video(bench.folder.path());
    let original = bench.completed(&media, &SAID).await;
    let (from, to) = (Timestamp(3_000), Timestamp(4_500));
    let cues = vec![Cue { start: from, end: to, text: "It snows again.".into(), doubts: Vec::new() }];
    let mut corrections = Corrections::default();
    corrections.apply(&Correction::Replace { from, to, cues }, 1);
    let saved = bench.backend.store.save_corrections(original, 0, &corrections).await.unwrap();
    assert!(matches!(saved, SavedCorrections::Done(_)));
    let video = Video { of: original, how: VideoHow::Mux, offset_ms: -3_500 };
    let id = bench.video_with(video, Profile::Shorts).await;
    let (video, _) = bench.made(&mut listener, id).await;
    let said = subtitles_in(&video);
    let text = said.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ").replace('\n', " ");
    assert_eq!(text, "It snows again. Good night.");
    assert_eq!(said[0].0, 0);
    worker.stop().await;
}

#[tokio::test]
async fn what_no_video_can_be_made_of_fails_with_its_reason() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let video = VideoConfig { max_bytes: 100_000, ..VideoConfig::default() };
    let worker = bench.start(WorkerConfig { video, ..bench.config() });
    let mp4 = spoken_video(bench.folder.path());
    let original = bench.completed(&mp4, &SAID).await;

    let sound = bench.completed(&remade(&mp4, "a.mp3", &["-vn"]), &SAID).await;
    let id = bench.video(sound, VideoHow::Burn).await;
    assert_eq!(bench.failure(&mut listener, id).await, Failure::NoPicture);

    // Of a script that was new in 2025.
    let unknown = bench.completed(&mp4, &[(1_000, 2_000, "\u{10940}\u{10941}")]).await;
    let id = bench.video(unknown, VideoHow::Burn).await;
    assert_eq!(bench.failure(&mut listener, id).await, Failure::NoFont { letter: "\u{10940}".into() });

    let id =
        bench.video_with(Video { of: original, how: VideoHow::Mux, offset_ms: -9_000 }, Profile::Bbc).await;
    assert_eq!(bench.failure(&mut listener, id).await, Failure::NoSubtitles);

    let large = bench.completed(&long_video(bench.folder.path(), 3), &SAID).await;
    let id = bench.video(large, VideoHow::Mux).await;
    assert_eq!(bench.failure(&mut listener, id).await, Failure::VideoTooLarge { limit_bytes: 100_000 });

    let id = bench.video(original, VideoHow::Mux).await;
    bench.made(&mut listener, id).await;
    bench.backend.store.delete(original).await.unwrap();
    let of = bench.job(id).await.spec.video.unwrap().of;
    let id = {
        let job = Job { id: JobId::from_bits(rand::random()), ..bench.job(id).await };
        let job = Job::queued(job.id, job.spec, job.created_at, job.expires_at);
        bench.submit(&job).await;
        job.id
    };
    assert_eq!((bench.failure(&mut listener, id).await, of), (Failure::OriginalGone, original));
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_without_ffmpeg_says_what_it_lacks() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let original = bench.completed(&spoken_video(bench.folder.path()), &SAID).await;
    let _worker = WorkerProcess::command(&bench, &["pull"]).env("PATH", "/nowhere").spawn().unwrap();
    let id = bench.video(original, VideoHow::Mux).await;
    let failure = bench.failure(&mut listener, id).await;
    assert_eq!(failure, Failure::NoFfmpeg);
    assert!(failure.hint().contains("apt-get install ffmpeg"));
}

#[tokio::test]
async fn a_cancelled_or_deleted_video_ends_ffmpeg_within_two_seconds() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = bench.start(bench.config());
    let original = bench.completed(&long_video(bench.folder.path(), 120), &SAID).await;

    let id = bench.video(original, VideoHow::Burn).await;
    listener.until(id, is_rendering).await;
    let ffmpeg = ProcessEnd::of(ffmpeg_of(&bench).await);
    bench.backend.store.cancel(id, WallTime::now()).await.unwrap();
    ffmpeg.within(Duration::from_secs(2)).await;

    let deleted = bench.video(original, VideoHow::Burn).await;
    listener.until(deleted, is_rendering).await;
    let ffmpeg = ProcessEnd::of(ffmpeg_of(&bench).await);
    bench.backend.store.delete(deleted).await.unwrap();
    ffmpeg.within(Duration::from_secs(2)).await;

    bench.until_idle().await;
    assert_eq!(bench.job(id).await.status, JobStatus::Cancelled);
    for id in [id, deleted] {
        assert_eq!(bench.backend.media.locate(id).await.unwrap(), None);
    }
    worker.stop().await;
    let left: Vec<_> = std::fs::read_dir(bench.folder.path().join("scratch")).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| entry.file_name() == "lock"), "{left:?}");
}

#[tokio::test]
async fn a_video_whose_worker_was_killed_is_made_from_the_start_by_another() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let original = bench.completed(&long_video(bench.folder.path(), 17), &SAID).await;
    let id = bench.video(original, VideoHow::Burn).await;
    let mut first = WorkerProcess::start(&bench, "first", &["--visibility", "2s"]);
    listener.until(id, is_rendering).await;
    let ffmpeg = ProcessEnd::of(first.engine().expect("ffmpeg is at work"));
    first.child.kill().await.unwrap();
    ffmpeg.within(Duration::from_secs(2)).await;
    assert_eq!(bench.backend.media.locate(id).await.unwrap(), None);

    let _second = WorkerProcess::start(&bench, "second", &["--visibility", "2s"]);
    let (video, _) = bench.made(&mut listener, id).await;
    let job = bench.job(id).await;
    assert_eq!((job.attempt, job.failures, job.crashes), (2, 0, 1));
    let seconds: f64 = probe(&video, &["-show_entries", "format=duration"])[0].parse().unwrap();
    assert!((179.0..182.0).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn an_ffmpeg_that_gets_no_further_times_out_with_the_third_one() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let video = VideoConfig { silence_limit: Duration::from_secs(3), ..VideoConfig::default() };
    let worker = bench.start(WorkerConfig { video, ..bench.config() });
    let original = bench.completed(&long_video(bench.folder.path(), 120), &SAID).await;
    let id = bench.video(original, VideoHow::Burn).await;
    for _ in 0..3 {
        listener.until(id, is_rendering).await;
        let process = ffmpeg_of(&bench).await;
        let ended = ProcessEnd::of(process);
        send_signal(process, "STOP");
        ended.within(Duration::from_secs(10)).await;
    }
    assert_eq!(bench.failure(&mut listener, id).await, Failure::TimedOut);
    let job = bench.job(id).await;
    assert_eq!((job.attempt, job.failures, job.crashes), (3, 0, 3));
    bench.until_idle().await;
    assert_eq!(bench.backend.queue.dead_letters(10).await.unwrap().len(), 1);
    worker.stop().await;
}

/// As where a daemon waits for minutes only. It began anew each time, for ever.
#[tokio::test]
async fn a_video_that_takes_longer_than_a_message_may_be_held_is_given_up() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let lease = worker::lease::LeaseConfig { longest: Duration::from_secs(1), ..bench.config().lease };
    let worker = bench.start(WorkerConfig { lease, ..bench.config() });
    let original = bench.completed(&long_video(bench.folder.path(), 120), &SAID).await;
    let id = bench.video(original, VideoHow::Burn).await;
    assert_eq!(bench.failure(&mut listener, id).await, Failure::GaveUp);
    assert_eq!(bench.job(id).await.crashes, 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_late_attempt_leaves_no_video_behind() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let original = bench.completed(&long_video(bench.folder.path(), 5), &SAID).await;
    let id = bench.video(original, VideoHow::Burn).await;
    let lease = worker::lease::LeaseConfig { check_every: Duration::from_secs(600), ..bench.config().lease };
    let worker = bench.start(WorkerConfig { lease, ..bench.config() });
    listener.until(id, is_rendering).await;
    // Nobody looks whether it is wanted until it is made.
    bench.backend.store.cancel(id, WallTime::now()).await.unwrap();
    bench.until_idle().await;
    assert_eq!(bench.backend.media.locate(id).await.unwrap(), None);
    let job = bench.job(id).await;
    let written = bench.backend.store.report(id, job.attempt, &job.progress).await.unwrap();
    assert_eq!((job.status, written), (JobStatus::Cancelled, Written::Fenced));
    worker.stop().await;
}

#[tokio::test]
async fn who_may_write_into_a_folder_finds_no_other_way_out() {
    let config = EngineConfig { sandbox: SandboxMode::Required, ..config() };
    let tried = try_out_writing(&config, None).await.unwrap();
    assert_eq!((tried.lacks, tried.open, tried.broken), (vec![], vec![], vec![]));
}

/// Whatever ffmpeg is talked into by a file.
#[tokio::test]
async fn a_confined_ffmpeg_reads_its_media_and_writes_into_its_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let media = spoken_video(folder.path());
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/a.mp4", server.local_addr().unwrap());
    let secret = folder.path().join("0.wav");
    let engine = EngineConfig { sandbox: SandboxMode::Required, ..config() };
    let run = async |input: &str, output: &str, max_bytes: u64| {
        let folders = Folders { media: &media, scratch: &scratch, max_bytes };
        let arguments = ["-nostdin", "-y", "-i", input, "-f", "wav", output].map(Into::into);
        let mut ffmpeg = Ffmpeg::spawn(&engine, folders, &arguments, Duration::from_secs(20)).await.unwrap();
        patiently("ffmpeg", ffmpeg.next()).await
    };
    let (media_path, outside) = (media.to_str().unwrap(), folder.path().join("outside.wav"));
    assert_eq!(run(media_path, "inside.wav", 1 << 30).await.unwrap(), Step::Done);
    assert!(scratch.join("inside.wav").is_file());
    let refused = |result: Result<Step, FfmpegError>| match result {
        Err(FfmpegError::GaveUp(said)) => said,
        other => panic!("{other:?}"),
    };
    for (input, output) in [
        (media_path, outside.to_str().unwrap()),
        (secret.to_str().unwrap(), "stolen.wav"),
        (&address, "fetched.wav"),
        ("/etc/passwd", "passwd.wav"),
    ] {
        refused(run(input, output, 1 << 30).await);
        assert!(!outside.exists() && !scratch.join(output).exists(), "{input} to {output}");
    }
    assert!(matches!(run(media_path, "large.wav", 10_000).await, Err(FfmpegError::TooLarge)));
    let none = tokio::time::timeout(Duration::from_millis(100), server.accept()).await;
    assert!(none.is_err(), "it reached a server");
}
