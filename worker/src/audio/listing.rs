//! What ffmpeg tells of a file before it decodes: text for people, which has kept its shape for many versions. Its sister
//! ffprobe writes JSON, and is not there wherever ffmpeg is.

use super::track::SoundTrack;

/// A file as ffmpeg lists it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// ffmpeg knew what kind of file it is.
    pub is_media: bool,
    /// Its names for that: `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    pub duration_ms: Option<u64>,
    /// The earliest time stamp of the file.
    pub start_s: f64,
    pub sounds: Vec<Sound>,
    pub pictures: Vec<Picture>,
    /// Numbers and codecs of the subtitles that are there already.
    pub subtitles: Vec<(u32, String)>,
}

/// A video track, or a picture that stands for the sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub id: u32,
    /// As it is shown, turned if it is to be turned; 0 where ffmpeg does not say.
    pub width: u32,
    pub height: u32,
    pub is_cover: bool,
}

/// A sound track; its id is what `-map 0:N` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    pub track: SoundTrack,
    pub is_mono: bool,
}

impl Listing {
    /// Reads what ffmpeg wrote to standard error.
    pub fn parse(text: &str) -> Listing {
        let mut listing = Listing::default();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("Input #0, ") {
                listing.is_media = true;
                listing.format = rest.split(", from ").next().unwrap_or_default().into();
            } else if let Some(rest) = line.strip_prefix("  Duration: ") {
                // "00:01:02.03, start: 0.000000, bitrate: 130 kb/s"; titles are indented further.
                listing.duration_ms = rest.split(',').next().and_then(milliseconds);
                let start = rest.split(", start: ").nth(1).and_then(|start| start.split(',').next());
                listing.start_s = start.and_then(|start| start.parse().ok()).unwrap_or(0.0);
            } else if let Some(rest) = line.trim_start().strip_prefix("Stream #0:") {
                listing.sounds.extend(sound(rest));
                listing.pictures.extend(picture(rest));
                listing.subtitles.extend(subtitle(rest));
            } else if line.trim_start().starts_with("displaymatrix: rotation of ") && line.contains("90") {
                // Of the track that was told last.
                if let Some(Picture { width, height, .. }) = listing.pictures.last_mut() {
                    std::mem::swap(width, height);
                }
            }
        }
        listing
    }
}

/// `01:02:03.45`. A container that claims nothing has no length rather than none of it.
fn milliseconds(time: &str) -> Option<u64> {
    let mut parts = time.split(':');
    let (hours, minutes) = (parts.next()?.parse::<u64>().ok()?, parts.next()?.parse::<u64>().ok()?);
    let seconds = parts.next()?.parse::<f64>().ok().filter(|seconds| (0.0..60.0).contains(seconds))?;
    let whole = hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000)?;
    Some(whole.checked_add((seconds * 1000.0) as u64)?).filter(|&duration| duration > 0)
}

/// `1[0x2](eng): Audio: ac3 (ac-3 / 0x332D6361), 48000 Hz, 5.1(side), fltp, 384 kb/s (default)`.
fn sound(rest: &str) -> Option<Sound> {
    let (name, description) = rest.split_once(": Audio: ")?;
    let id = number(name)?;
    let language = name.split_once('(').map(|(_, rest)| rest.trim_end_matches(')').to_owned());
    let codec = description.split([' ', ',']).next().unwrap_or_default();
    let track = SoundTrack {
        id,
        language: language.filter(|language| language != "und"),
        is_default: description.contains(" (default)"),
        codec: format!("{codec} sound"),
    };
    let is_mono = description.split(", ").any(|part| part == "mono" || part == "1 channels");
    Some(Sound { track, is_mono })
}

/// `0[0x1](und): Video: h264 (High), yuv420p(progressive), 1920x1080 [SAR 1:1 DAR 16:9], 25 fps (default)`.
fn picture(rest: &str) -> Option<Picture> {
    let (name, description) = rest.split_once(": Video: ")?;
    let id = number(name)?;
    let sides = description.split([' ', ',']).find_map(|word| {
        let (width, height) = word.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    });
    let (width, height) = sides.unwrap_or_default();
    Some(Picture { id, width, height, is_cover: description.contains("(attached pic)") })
}

/// `3(eng): Subtitle: subrip (default)`.
fn subtitle(rest: &str) -> Option<(u32, String)> {
    let (name, description) = rest.split_once(": Subtitle: ")?;
    Some((number(name)?, description.split([' ', ',']).next().unwrap_or_default().to_owned()))
}

/// The number of a track at the start of its name.
fn number(name: &str) -> Option<u32> {
    let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    name[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_length_and_start_are_read_off_the_lines_that_tell_them() {
        let text = "Input #0, matroska,webm, from '/tmp/film.mkv':
  Metadata:
    title           : Duration: 00:00:01.00
                    : Stream #0:7: Audio: aac
  Duration: 01:02:03.45, start: 1.500000, bitrate: 1 kb/s
  Stream #0:0: Video: h264 (High), yuv420p(progressive), 160x120, 10 fps (default)
  Stream #0:1(eng): Audio: aac (LC), 44100 Hz, mono, fltp
    Stream #0:2[0x102](ger): Audio: ac3 (AC-3 / 0x332D4341), 48000 Hz, 5.1(side), fltp, 448 kb/s (default) (dub)
  Stream #0:3[0x3](und): Audio: none, 48000 Hz, 2 channels
  Stream #0:4: Subtitle: subrip
  Stream #0:5[0x6](und): Video: h264 (Main) (avc1 / 0x31637661), yuv420p(tv, bt709), 1920x1080 [SAR 1:1 DAR 16:9], 30 fps
    Side data:
      displaymatrix: rotation of -90.00 degrees
  Stream #0:6: Video: mjpeg (Baseline), yuvj420p(pc), 600x600, 90k tbr (attached pic)
At least one output file must be specified";
        let listing = Listing::parse(text);
        let sound = |id, language: Option<&str>, is_default, codec: &str, is_mono| {
            let language = language.map(str::to_owned);
            Sound { track: SoundTrack { id, language, is_default, codec: codec.into() }, is_mono }
        };
        assert_eq!((listing.is_media, listing.duration_ms, listing.start_s), (true, Some(3_723_450), 1.5));
        assert_eq!(
            listing.sounds,
            [
                sound(1, Some("eng"), false, "aac sound", true),
                sound(2, Some("ger"), true, "ac3 sound", false),
                sound(3, None, false, "none sound", false),
            ]
        );
        let picture = |id, width, height, is_cover| Picture { id, width, height, is_cover };
        let pictures =
            [picture(0, 160, 120, false), picture(5, 1080, 1920, false), picture(6, 600, 600, true)];
        assert_eq!((listing.format.as_str(), listing.pictures.as_slice()), ("matroska,webm", &pictures[..]));
        assert_eq!(listing.subtitles, [(4, "subrip".to_owned())]);
        assert_eq!(Listing::parse("/tmp/x: Invalid data found when processing input"), Listing::default());
    }

    #[test]
    fn a_length_that_nobody_knows_is_none() {
        let check = |time: &str, expect: Option<u64>| assert_eq!(milliseconds(time), expect, "{time}");
        check("00:00:11.00", Some(11_000));
        check("N/A", None);
        check("00:00:00.00", None);
        check("18446744073709551615:00:00", None);
    }
}
