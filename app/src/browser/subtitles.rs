//! The player's subtitles: cues added to a text track as they are committed.

use std::sync::Arc;

use domain::Cue;
use web_sys::{HtmlMediaElement, TextTrack, TextTrackKind, TextTrackMode, VttCue};

use crate::text::escape_markup;

/// A text track that mirrors the pages of a job. A cue that stays is never taken off and put on again:
/// it would flicker under the viewer's eyes.
pub struct Subtitles {
    track: TextTrack,
    held: Vec<Held>,
}

/// A page, and what the track has of it.
type Held = (Arc<Vec<Cue>>, Vec<Option<VttCue>>);

impl Subtitles {
    /// Takes the place of the `<track>` element that serves pages without JavaScript: its file is read once,
    /// so it could not grow, and both together would show every cue twice.
    pub fn replace_file(media: &HtmlMediaElement, language: &str) -> Subtitles {
        if let Ok(Some(element)) = media.query_selector("track") {
            element.remove();
        }
        let track =
            media.add_text_track_with_label_and_language(TextTrackKind::Subtitles, "Subtitles", language);
        track.set_mode(TextTrackMode::Showing);
        Subtitles { track, held: Vec::new() }
    }

    pub fn show(&mut self, pages: &[Arc<Vec<Cue>>]) {
        for (_, cues) in self.held.drain(pages.len().min(self.held.len())..) {
            cues.iter().for_each(|cue| take_off(&self.track, cue));
        }
        for (number, page) in pages.iter().enumerate() {
            let held = self.held.get(number);
            if held.is_some_and(|(held, _)| held == page) {
                continue;
            }
            let put_on = (Arc::clone(page), self.exchange(held, page));
            match self.held.get_mut(number) {
                Some(held) => *held = put_on,
                None => self.held.push(put_on),
            }
        }
    }

    /// The cues of a page in place of those that are held for it.
    fn exchange(&self, held: Option<&Held>, page: &[Cue]) -> Vec<Option<VttCue>> {
        let held = held.into_iter().flat_map(|(page, cues)| page.iter().zip(cues));
        let mut held = held.peekable();
        let mut cues = Vec::with_capacity(page.len());
        for cue in page {
            while let Some((_, old)) = held.next_if(|(old, _)| old.start < cue.start) {
                take_off(&self.track, old);
            }
            if let Some((_, old)) = held.next_if(|(old, _)| *old == cue) {
                cues.push(old.clone());
                continue;
            }
            let new = vtt_cue(cue);
            new.iter().for_each(|new| self.track.add_cue(new));
            cues.push(new);
        }
        held.for_each(|(_, old)| take_off(&self.track, old));
        cues
    }
}

fn take_off(track: &TextTrack, cue: &Option<VttCue>) {
    if let Some(cue) = cue {
        // Fails only for a cue that is not in the track.
        let _ = track.remove_cue(cue);
    }
}

fn vtt_cue(cue: &Cue) -> Option<VttCue> {
    VttCue::new(cue.start.as_secs_f64(), cue.end.as_secs_f64(), &escape_markup(&cue.text)).ok()
}
