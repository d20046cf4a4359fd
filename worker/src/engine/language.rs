//! Which language is spoken.

use domain::language::CERTAIN;

use super::protocol::EngineEvent;
use super::session::Listener;
use super::sound::{Sound, timestamp};
use super::transcriber::{LanguageProbability, Transcriber};
use super::voice::Item;

/// After so many windows with speech the most probable language is taken.
const MAX_WINDOWS: usize = 4;
/// Windows and silences that may be held back meanwhile.
const MAX_HELD: usize = 8;

/// The language of the first speech and its probability; `None` if there is none. Below [`CERTAIN`] more speech is
/// heard before the first word is committed. Nothing is taken from `sound` but the silence
/// ahead of the speech, which is told.
pub fn detect(
    sound: &mut Sound<'_>,
    transcriber: &mut dyn Transcriber,
    listener: &dyn Listener,
) -> Option<(String, f32)> {
    let mut evidence = Evidence::default();
    let mut held = 0;
    while held < MAX_HELD {
        match sound.ahead(held) {
            None => break,
            Some(&Item::Silence { start, end }) => {
                if held == 0 {
                    let taken = sound.next().ok().flatten();
                    let (start, end) = (timestamp(start), timestamp(end));
                    let peaks = taken.map(|(_, peaks)| peaks).unwrap_or_default();
                    listener.event(EngineEvent::Window { start, end, words: Vec::new(), peaks });
                    continue;
                }
            }
            Some(Item::Window(window)) => {
                match transcriber.detect_language(window) {
                    Ok(probabilities) => evidence.add(&probabilities),
                    Err(error) => tracing::warn!(%error, "could not detect the language"),
                }
                listener.sign_of_life();
                if evidence.windows >= MAX_WINDOWS || evidence.best().is_some_and(|(_, p)| p >= CERTAIN) {
                    break;
                }
            }
        }
        held += 1;
    }
    let (tag, probability) = evidence.best()?;
    tracing::debug!(language = tag, probability, windows = evidence.windows, "detected the language");
    Some((tag.to_owned(), probability))
}

/// What several windows say together: each is taken for independent of the others.
#[derive(Default)]
struct Evidence {
    windows: usize,
    /// Logarithms of the products of probabilities.
    scores: Vec<(&'static str, f32)>,
}

impl Evidence {
    fn add(&mut self, probabilities: &[LanguageProbability]) {
        /// One window alone never excludes a language.
        const LEAST: f32 = 1e-4;
        self.windows += 1;
        if self.scores.is_empty() {
            self.scores = probabilities.iter().map(|&(tag, _)| (tag, 0.0)).collect();
        }
        for (score, &(_, probability)) in self.scores.iter_mut().zip(probabilities) {
            score.1 += probability.max(LEAST).ln();
        }
    }

    /// The most probable language, with its probability.
    fn best(&self) -> Option<(&'static str, f32)> {
        let &(tag, best) = self.scores.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let total: f32 = self.scores.iter().map(|&(_, score)| (score - best).exp()).sum();
        Some((tag, 1.0 / total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(windows: &[&[f32]]) -> Option<(&'static str, bool)> {
        let tags = ["de", "en", "th"];
        let mut evidence = Evidence::default();
        for window in windows {
            let probabilities: Vec<_> = tags.iter().copied().zip(window.iter().copied()).collect();
            evidence.add(&probabilities);
        }
        evidence.best().map(|(tag, probability)| (tag, probability >= CERTAIN))
    }

    #[test]
    fn one_clear_window_is_enough_and_doubtful_ones_are_heard_together() {
        assert_eq!(best(&[]), None);
        assert_eq!(best(&[&[0.01, 0.98, 0.01]]), Some(("en", true)));
        assert_eq!(best(&[&[0.35, 0.25, 0.4]]), Some(("th", false)));
        assert_eq!(best(&[&[0.35, 0.25, 0.4], &[0.95, 0.04, 0.01]]), Some(("de", true)));
        assert!(!best(&[&[0.0, 1.0, 0.0], &[1.0, 0.0, 0.0]]).unwrap().1);
        assert_eq!(best(&[&[0.0, 0.0, f32::NAN]]).map(|(_, is_certain)| is_certain), Some(false));
    }
}
