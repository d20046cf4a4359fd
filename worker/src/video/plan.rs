//! What ffmpeg is asked for: pure.

use std::ffi::OsString;
use std::path::Path;

use domain::format::ass;
use domain::{Failure, Format, Track, VideoHow, language};

use crate::audio::ffmpeg::MAX_START_S;
use crate::audio::listing::{Listing, Picture};
use crate::audio::sniff::{Sniffed, sniff_bytes};
use crate::audio::track;

/// What the video becomes, by what the media is: players read what they read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    Mp4,
    /// MP4 with sound alone.
    M4a,
    QuickTime,
    WebM,
    Matroska,
}

impl Container {
    /// By ffmpeg's names for the format, and the first bytes of the media.
    pub fn of(listing: &Listing, head: &[u8]) -> Container {
        let start = &head[..head.len().min(64)];
        let has = |word: &[u8]| start.windows(word.len()).any(|part| part == word);
        if listing.format.starts_with("mov,") {
            // MP4 has no name for plain samples.
            let is_plain = listing.sounds.iter().any(|sound| sound.track.codec.starts_with("pcm_"));
            return match () {
                () if is_plain || !has(b"ftyp") || has(b"ftypqt") => Container::QuickTime,
                () if listing.pictures.iter().all(|picture| picture.is_cover) => Container::M4a,
                () => Container::Mp4,
            };
        }
        if listing.format.starts_with("matroska") && has(b"webm") {
            Container::WebM
        } else {
            Container::Matroska
        }
    }

    /// Options of its writer.
    fn writer(self) -> &'static [&'static str] {
        match self {
            Container::Mp4 => &["-movflags", "+faststart", "-f", "mp4"],
            Container::M4a => &["-movflags", "+faststart", "-brand", "M4A ", "-f", "mp4"],
            Container::QuickTime => &["-movflags", "+faststart", "-f", "mov"],
            Container::WebM => &["-f", "webm"],
            Container::Matroska => &["-f", "matroska"],
        }
    }

    /// What a track of subtitles is called in it.
    fn subtitles(self) -> &'static str {
        match self {
            Container::Mp4 | Container::M4a | Container::QuickTime => "mov_text",
            Container::WebM => "webvtt",
            Container::Matroska => "srt",
        }
    }

    /// Whether subtitles that are there already can stay as they are.
    fn holds_subtitles(self, codec: &str) -> bool {
        match self {
            Container::Mp4 | Container::M4a | Container::QuickTime => codec == "mov_text",
            Container::WebM => codec == "webvtt",
            Container::Matroska => {
                ["subrip", "ass", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"]
                    .contains(&codec)
            }
        }
    }
}

/// Sound that an MP4 file can hold so that players know it.
const SOUND_OF_MP4: [&str; 8] = ["aac", "mp3", "mp2", "ac3", "eac3", "alac", "opus", "dts"];

/// ffmpeg's arguments, and the file of subtitles that they name. Both files lie in the folder that it works in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub subtitles: String,
    pub arguments: Vec<OsString>,
}

impl Plan {
    pub const SUBTITLES: &str = "subtitles";
    pub const VIDEO: &str = "video";

    /// `media` must be absolute, so that it is taken for no option and no address; `head` are its first bytes.
    pub fn new(
        how: VideoHow,
        media: &Path,
        head: &[u8],
        listing: &Listing,
        track: &Track,
    ) -> Result<Plan, Failure> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |more: &[&str]| arguments.extend(more.iter().map(OsString::from));
        add(&["-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+warning"]);
        add(&["-progress", "pipe:1"]);
        // As where it is decoded: the track was heard on this time line.
        let is_counted_from_start = matches!(sniff_bytes(head), Sniffed::Foreign(_));
        if !is_counted_from_start && listing.start_s < MAX_START_S {
            add(&["-copyts"]);
        }
        // Time stamps that AVI lacks; and only files, since a playlist must not make us open addresses.
        add(&["-fflags", "+genpts", "-protocol_whitelist", "file", "-i"]);
        arguments.push(media.into());
        let (subtitles, more) = match how {
            VideoHow::Mux => mux(Container::of(listing, head), listing, track),
            VideoHow::Burn => burn(listing, track)?,
        };
        arguments.extend(more.into_iter().map(OsString::from));
        arguments.push(Plan::VIDEO.into());
        Ok(Plan { subtitles, arguments })
    }
}

/// Copies the streams and adds the track.
fn mux(container: Container, listing: &Listing, track: &Track) -> (String, Vec<String>) {
    let mut arguments = Vec::new();
    let mut add = |more: &[&str]| arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    // Whatever the container calls it, ffmpeg reads one kind.
    add(&["-f", "srt", "-protocol_whitelist", "file", "-i", Plan::SUBTITLES]);
    for Picture { id, .. } in listing.pictures.iter().filter(|picture| !picture.is_cover) {
        add(&["-map", &format!("0:{id}")]);
    }
    for sound in &listing.sounds {
        add(&["-map", &format!("0:{}", sound.track.id)]);
    }
    add(&["-map", "1:0"]);
    for (id, _) in listing.subtitles.iter().filter(|(_, codec)| container.holds_subtitles(codec)) {
        add(&["-map", &format!("0:{id}")]);
    }
    if container == Container::Matroska {
        // Fonts of the subtitles that were there.
        add(&["-map", "0:t?"]);
    }
    add(&["-c", "copy", "-c:s:0", container.subtitles(), "-disposition:s:0", "default"]);
    let language = track.language.as_deref();
    if let Some(code) = language.and_then(track::three_letters) {
        add(&["-metadata:s:s:0", &format!("language={code}")]);
    }
    let title = language.and_then(language::find).map_or("Subtitles", |language| language.name);
    // MP4 has the title of a track only as the name of what handles it.
    add(&["-metadata:s:s:0", &format!("title={title}"), "-metadata:s:s:0", &format!("handler_name={title}")]);
    add(container.writer());
    (Format::Srt.write(track), arguments)
}

/// Draws the track into the first picture.
fn burn(listing: &Listing, track: &Track) -> Result<(String, Vec<String>), Failure> {
    let picture = listing.pictures.iter().find(|picture| !picture.is_cover).ok_or(Failure::NoPicture)?;
    let mut arguments = Vec::new();
    let mut add = |more: &[&str]| arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    add(&["-map", &format!("0:{}", picture.id)]);
    for sound in &listing.sounds {
        add(&["-map", &format!("0:{}", sound.track.id)]);
    }
    // H.264 as every player knows it has even sides.
    let filter = format!("pad=ceil(iw/2)*2:ceil(ih/2)*2,ass={}", Plan::SUBTITLES);
    add(&["-vf", &filter, "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]);
    add(&["-c:a", "copy"]);
    for (index, sound) in listing.sounds.iter().enumerate() {
        let codec = sound.track.codec.split(' ').next().unwrap_or_default();
        if !SOUND_OF_MP4.contains(&codec) {
            add(&[&format!("-c:a:{index}"), "aac", &format!("-b:a:{index}"), "192k"]);
        }
    }
    // Much sound may come before the first picture.
    add(&["-max_muxing_queue_size", "4096"]);
    add(Container::Mp4.writer());
    let (width, height) = if picture.width == 0 { (1920, 1080) } else { (picture.width, picture.height) };
    Ok((ass::write_for(track, width, height), arguments))
}
