//! Words with times to cues, for `./dev bench cues`: reads JSON on standard input, writes JSON.
//!
//! `{"profile": "netflix", "words": [{"start", "end", "text"}], "windows": [end, …], "commit": "windows"}`, times in
//! milliseconds. All words are laid out at once, or else committed window by window: each by itself, or all but its last cue.

use std::io::{Read, Write};
use std::time::Instant;

use domain::{Cue, CuePage, Profile, Timestamp, Word, segment};
use serde::{Deserialize, Serialize};

/// Laying out is repeated until it can be timed.
const ROUNDS: u32 = 20;

#[derive(Deserialize)]
struct Task {
    profile: String,
    words: Vec<Said>,
    #[serde(default)]
    windows: Vec<Timestamp>,
    #[serde(default)]
    commit: Commit,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Commit {
    /// Nothing before the last word is known.
    #[default]
    End,
    /// Each window, as it is heard.
    Windows,
    /// What no later word can change; the rest with the next window.
    Settled,
}

#[derive(Deserialize)]
struct Said {
    start: Timestamp,
    end: Timestamp,
    text: String,
}

#[derive(Serialize)]
struct Laid {
    cues: Vec<Cue>,
    /// By the measure that the layout of all words at once minimises.
    cost: Option<i64>,
    /// What laying out all of it took.
    micros: u128,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let task: Task = serde_json::from_str(&input)?;
    let profile = Profile::parse(&task.profile).ok_or("no such profile")?;
    let words: Vec<Word> = task
        .words
        .into_iter()
        .map(|said| Word { start: said.start, end: said.end, text: said.text, probability: 1.0 })
        .collect();
    // Silence follows the last word.
    let end = Timestamp(words.last().map_or(0, |word| word.end.0) + 5_000);
    let pages = pages_of(&words, task.windows, end);
    let lay_out = || match task.commit {
        Commit::End => segment::into_cues(&words, Timestamp(0), end, profile),
        Commit::Windows => {
            let of_page = |page: &CuePage| segment::into_cues(&page.words, page.start, page.end, profile);
            pages.iter().flat_map(of_page).collect()
        }
        Commit::Settled => settled(&pages, profile),
    };

    let begin = Instant::now();
    for _ in 1..ROUNDS {
        std::hint::black_box(lay_out());
    }
    let cues = lay_out();
    let micros = begin.elapsed().as_micros() / u128::from(ROUNDS);
    let cost = segment::cost_of(&cues, &words, Timestamp(0), end, profile);
    let mut output = serde_json::to_vec(&Laid { cues, cost, micros })?;
    output.push(b'\n');
    std::io::stdout().write_all(&output)?;
    Ok(())
}

/// The words of each window, which ends where it is told to; the last one at `end`.
fn pages_of(words: &[Word], mut ends: Vec<Timestamp>, end: Timestamp) -> Vec<CuePage> {
    ends.push(end);
    let (mut start, mut rest) = (Timestamp(0), words);
    let mut pages = Vec::new();
    for (number, end) in ends.into_iter().enumerate() {
        let (inside, after) = rest.split_at(rest.partition_point(|word| word.start < end));
        let words = inside.to_vec();
        pages.push(CuePage {
            number: number as u32,
            version: 0,
            start,
            end,
            words,
            cues: Vec::new(),
            open: None,
            peaks: String::new(),
        });
        (start, rest) = (end, after);
    }
    pages
}

fn settled(pages: &[CuePage], profile: Profile) -> Vec<Cue> {
    let Some((last, pages)) = pages.split_last() else { return Vec::new() };
    let (mut cues, mut rest, mut start) = (Vec::new(), Vec::new(), Timestamp(0));
    for page in pages {
        rest.extend_from_slice(&page.words);
        let settled = segment::settled(&rest, start, page.end, profile);
        cues.extend(settled.cues);
        rest.drain(..settled.words);
        start = settled.end;
    }
    rest.extend_from_slice(&last.words);
    cues.extend(segment::into_cues(&rest, start, last.end, profile));
    cues
}
