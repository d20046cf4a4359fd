//! Are the words right, and are their times?

use std::path::{Path, PathBuf};
use std::process::Command;

use domain::Timestamp;
use domain::peaks::{PEAK_MS, onset, release};
use worker::engine::{Engine, EngineConfig, Request};

use crate::engine::{config, hear, installed, request, with_both_engines};
use crate::support::speech;

with_both_engines![
    known_speech_is_heard_with_few_errors,
    a_multilingual_model_finds_out_the_language,
    words_begin_when_they_are_spoken,
];

const SPOKEN: &str = "And so my fellow Americans ask not what your country can do for you ask what you can do \
                      for your country";

/// Edits that turn one text into the other, by the length of the reference; case and punctuation do not count.
fn word_error_rate(text: &str, reference: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        let clean = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        text.to_lowercase().split_whitespace().map(clean).filter(|word| !word.is_empty()).collect()
    };
    let (text, reference) = (words(text), words(reference));
    let mut row: Vec<usize> = (0..=reference.len()).collect();
    for (i, word) in text.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, expected) in reference.iter().enumerate() {
            let substituted = diagonal + usize::from(word != expected);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[reference.len()] as f64 / reference.len() as f64
}

async fn known_speech_is_heard_with_few_errors(config: EngineConfig) {
    let mut engine = Engine::spawn(&config).await.unwrap();
    let heard = hear(&mut engine, &request(&speech())).await.unwrap();
    let rate = word_error_rate(&heard.text(), SPOKEN);
    assert!(rate < 0.15, "{rate:.2}: {}", heard.text());
    assert_eq!(heard.language.as_deref(), Some("en"));
    assert_eq!(heard.duration_ms, 11_000);
}

async fn a_multilingual_model_finds_out_the_language(config: EngineConfig) {
    let config = EngineConfig { threads: 2, ..config };
    let mut engine = Engine::spawn(&config).await.unwrap();
    let request = Request { model: installed("ggml-base.bin"), ..request(&speech()) };
    let heard = hear(&mut engine, &request).await.unwrap();
    assert_eq!(heard.language.as_deref(), Some("en"));
    assert!(heard.probability.is_some_and(|probability| (0.9..=1.0).contains(&probability)));
    let rate = word_error_rate(&heard.text(), SPOKEN);
    assert!(rate < 0.15, "{rate:.2}: {}", heard.text());

    let german = Request { language: Some("de-AT".into()), ..request };
    let heard = hear(&mut engine, &german).await.unwrap();
    assert_eq!((heard.language.as_deref(), heard.probability), (Some("de"), None));
}

/// Samples of espeak-ng, without the silence around them, and their rate.
fn say(folder: &Path, text: &str) -> (Vec<i16>, u32) {
    let path = folder.join("phrase.wav");
    let status = Command::new("espeak-ng")
        .args(["-v", "en-us", "-s", "150", "-w"])
        .arg(&path)
        .arg(text)
        .status()
        .expect("espeak-ng is installed: ./dev installs it");
    assert!(status.success());
    let bytes = std::fs::read(&path).unwrap();
    let rate = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
    let samples: Vec<i16> = bytes[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    let is_loud = |sample: &i16| sample.unsigned_abs() > 300;
    let first = samples.iter().position(is_loud).unwrap();
    let last = samples.iter().rposition(is_loud).unwrap();
    (samples[first..=last].to_vec(), rate)
}

/// A file of phrases with pauses of many lengths between them, and when each begins and ends.
fn phrases(folder: &Path) -> (PathBuf, Vec<(u64, u64)>) {
    const PHRASES: &[(&str, u32)] = &[
        ("The old harbour wakes before the sun does", 700),
        ("Fishing boats return with the tide", 250),
        ("and gulls follow them in noisy circles", 1200),
        ("She counts the baskets every morning", 400),
        ("Tourists arrive later", 150),
        ("when the bakery opens", 300),
        ("They photograph the painted houses", 3000),
        ("By noon the boats are clean", 500),
        ("and the nets are drying", 900),
        ("In the evening the whole village gathers near the bridge", 600),
        ("to hear the band play songs that everybody knows", 800),
    ];
    let mut samples: Vec<i16> = Vec::new();
    let mut times_ms = Vec::new();
    let mut rate = 22_050;
    for (phrase, pause_ms) in PHRASES {
        let (spoken, spoken_rate) = say(folder, phrase);
        rate = spoken_rate;
        let ms = |samples: usize| samples as u64 * 1000 / u64::from(rate);
        times_ms.push((ms(samples.len()), ms(samples.len() + spoken.len())));
        samples.extend(spoken);
        samples.extend(std::iter::repeat_n(0, (pause_ms * rate / 1000) as usize));
    }
    let mut wav = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * 2).to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((samples.len() as u32 * 2).to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    let path = folder.join("phrases.wav");
    std::fs::write(&path, wav).unwrap();
    (path, times_ms)
}

/// The first word of each phrase begins when the phrase does.
async fn words_begin_when_they_are_spoken(config: EngineConfig) {
    let folder = tempfile::tempdir().unwrap();
    let (path, times_ms) = phrases(folder.path());
    let mut engine = Engine::spawn(&config).await.unwrap();
    let heard = hear(&mut engine, &request(&path)).await.unwrap();
    let starts: Vec<u64> = heard.words().iter().map(|word| word.start.0).collect();
    let mut errors_ms: Vec<u64> = times_ms
        .iter()
        .map(|(onset, _)| starts.iter().map(|start| start.abs_diff(*onset)).min().unwrap())
        .collect();
    let shown = format!("{errors_ms:?} {}", heard.text());
    errors_ms.sort_unstable();
    assert!(errors_ms[errors_ms.len() / 2] <= 40, "half of the onsets are further off than 40 ms: {shown}");
    assert!(
        errors_ms[errors_ms.len() * 9 / 10] <= 150,
        "one onset in ten is further off than 150 ms: {shown}"
    );
}

/// What a person snaps a cue to: a letter is 50 ms, so the moment is at most so much early, or late where speech ends.
#[tokio::test]
async fn speech_is_found_by_its_loudness_where_a_cue_is_a_little_off() {
    const REACH: u64 = 400;
    let folder = tempfile::tempdir().unwrap();
    let (path, times_ms) = phrases(folder.path());
    let mut engine = Engine::spawn(&config()).await.unwrap();
    let letters = hear(&mut engine, &request(&path)).await.unwrap().peaks.concat();
    let pause_ms: Vec<u64> = times_ms.windows(2).map(|both| both[1].0 - both[0].1).collect();
    for (at, (begins, ends)) in times_ms.iter().enumerate() {
        for off in [0, 80, 120] {
            // A pause of 150 ms is one within a sentence.
            let is_parted = |pause: Option<&u64>| pause.is_some_and(|pause| *pause >= 250);
            if at > 0 && is_parted(pause_ms.get(at - 1)) {
                let found = onset(&letters, Timestamp(begins + off), REACH);
                let found = found.unwrap_or_else(|| panic!("phrase {at} begins at {begins}"));
                assert!(
                    found.0.abs_diff(*begins) <= PEAK_MS,
                    "phrase {at} begins at {begins}, not {}",
                    found.0
                );
            }
            if is_parted(pause_ms.get(at)) {
                let found = release(&letters, Timestamp(ends.saturating_sub(off)), REACH);
                let found = found.unwrap_or_else(|| panic!("phrase {at} ends at {ends}"));
                assert!(
                    found.0.abs_diff(*ends) <= 2 * PEAK_MS,
                    "phrase {at} ends at {ends}, not {}",
                    found.0
                );
            }
        }
    }
}
