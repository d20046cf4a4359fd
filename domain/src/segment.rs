//! Words with times (what the model says) to cues (what a viewer reads).

use crate::{Cue, CuePage, Profile, Timestamp, Track, Word};

/// Lays out the words of one window as cues that lie inside `start..=end`, in order and without overlap.
pub fn into_cues(words: &[Word], start: Timestamp, end: Timestamp, profile: Profile) -> Vec<Cue> {
    let _ = (words, start, end, profile);
    Vec::new()
}

/// Lays a whole track out anew from the words that its pages keep.
pub fn relayout(pages: &[CuePage], profile: Profile) -> Vec<Cue> {
    let _ = (pages, profile);
    Vec::new()
}

/// The track that stored pages make. Pages that overlap, which a correct store never holds, are put in order.
pub fn track_of(pages: &[CuePage], language: Option<String>) -> Track {
    let cues = pages.iter().flat_map(|page| page.cues.iter().cloned()).collect();
    Track::new(language, cues).unwrap_or_default()
}
