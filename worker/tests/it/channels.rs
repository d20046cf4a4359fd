//! Which sound track is heard, and how its channels are mixed.

use std::path::Path;

use worker::audio::Wanted;

use crate::media::decode_wanted;
use crate::support::speech;
use crate::timeline::ffmpeg;

fn loudness(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
}

fn heard(path: &Path, language: Option<&str>) -> f32 {
    loudness(&decode_wanted(path, &Wanted { language, ..Wanted::default() }).unwrap())
}

/// How loud the first four seconds of the speech are.
fn loudness_of_speech() -> f32 {
    loudness(&decode_wanted(&speech(), &Wanted::default()).unwrap()[..64_000])
}

#[test]
fn the_language_chooses_the_track_then_the_default_flag() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    // AC-3 is decoded by ffmpeg, AAC by ourselves: both choose alike.
    for name in ["aac.mkv", "aac.mp4", "ac3.mkv", "ac3.mp4", "ac3.ts"] {
        let codec = name.split('.').next().unwrap();
        let two_tracks = |name: &str, dispositions: [&str; 2]| {
            let path = folder.path().join(name);
            let mut arguments =
                vec!["-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-i", "SPEECH", "-t", "3"];
            arguments.extend(["-map", "0", "-map", "1", "-c:a", codec, "-ar", "44100"]);
            arguments.extend(["-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng"]);
            arguments.extend(["-disposition:a:0", dispositions[0], "-disposition:a:1", dispositions[1]]);
            ffmpeg(&arguments, &path);
            path
        };
        let silent_first = two_tracks(name, ["default", "0"]);
        let speech_default = two_tracks(&format!("second-{name}"), ["0", "default"]);
        let mut check = |path: &Path, language: Option<&str>, is_speech: bool| {
            if (heard(path, language) > 0.01) != is_speech {
                wrong.push(format!("{} in {language:?}", path.file_name().unwrap().to_string_lossy()));
            }
        };
        check(&silent_first, None, false);
        check(&silent_first, Some("de"), false);
        check(&silent_first, Some("en-GB"), true);
        check(&silent_first, Some("fr"), false);
        check(&speech_default, Some("de-AT"), false);
        // A transport stream has no such flag.
        let is_flagged = !name.ends_with("ts");
        check(&speech_default, None, is_flagged);
        check(&speech_default, Some("fr"), is_flagged);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn speech_in_the_centre_of_surround_is_as_loud_as_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let mono = loudness_of_speech();
    let formats: &[(&str, &[&str])] = &[
        ("wav", &["-c:a", "pcm_s16le"]),
        ("flac", &[]),
        ("mkv", &["-c:a", "pcm_s16le"]),
        ("ogg", &["-c:a", "libvorbis"]),
        ("m4a", &["-c:a", "alac"]),
        // From here on ffmpeg decodes.
        ("mp4", &["-c:a", "aac", "-b:a", "384k"]),
        ("ac3", &["-b:a", "448k"]),
        ("eac3", &["-b:a", "448k"]),
        ("ts", &["-c:a", "ac3", "-b:a", "448k"]),
        ("opus", &["-mapping_family", "1", "-b:a", "384k"]),
    ];
    // The channel with the speech, and its share: half of each side, what is behind and the centre 3 dB less to both.
    let channels = [("FC", 0.707), ("FL", 0.5), ("FR", 0.5), ("BL", 0.354), ("BR", 0.354), ("LFE", 0.0)];
    let mut wrong = Vec::new();
    for (extension, arguments) in formats {
        for (channel, share) in channels {
            let path = folder.path().join(format!("{channel}.{extension}"));
            let pan = format!("aresample=48000,pan=5.1|{channel}=c0");
            ffmpeg(&[&["-i", "SPEECH", "-t", "4", "-af", &pan], *arguments].concat(), &path);
            let found = heard(&path, None) / mono;
            if (found - share).abs() > 0.03 {
                wrong.push(format!("{channel} of {extension}: {found:.3} instead of {share}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn masks_of_wave_say_which_channel_is_which() {
    let folder = tempfile::tempdir().unwrap();
    let mono = loudness_of_speech();
    let check = |layout: &str, channel: &str, share: f32| {
        let path = folder.path().join("mask.wav");
        ffmpeg(&["-i", "SPEECH", "-t", "4", "-af", &format!("pan={layout}|{channel}=c0")], &path);
        let found = heard(&path, None) / mono;
        assert!((found - share).abs() < 0.03, "{channel} of {layout}: {found:.3} instead of {share}");
    };
    check("5.1(side)", "FC", 0.707);
    check("5.1(side)", "SL", 0.354);
    check("7.1", "FC", 0.707);
    check("7.1", "SR", 0.354);
    check("5.0", "FC", 0.707);
    check("4.0", "FC", 0.707);
    // No surround: both alike.
    check("stereo", "FR", 0.5);
}

#[test]
fn loud_surround_is_not_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["loud.flac", "loud.ac3"] {
        let path = folder.path().join(name);
        let tone = "aevalsrc=0.9*sin(440*2*PI*t):s=48000:d=2";
        let everywhere = "pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0";
        ffmpeg(&["-f", "lavfi", "-i", tone, "-af", everywhere, "-b:a", "640k"], &path);
        let samples = decode_wanted(&path, &Wanted::default()).unwrap();
        let middle = &samples[8_000..24_000];
        let peak = middle.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        // A sine that was cut off would be louder for its peak.
        let ratio = peak / loudness(middle);
        assert!((peak - 0.9 * 2.414).abs() < 0.1, "{name}: {peak}");
        assert!((ratio - std::f32::consts::SQRT_2).abs() < 0.02, "{name}: {ratio}");
    }
}
