//! The player's subtitles: cues added to a text track as they are committed.

use std::sync::Arc;

use domain::Cue;
use web_sys::{HtmlMediaElement, TextTrack, TextTrackKind, TextTrackMode, VttCue};

use crate::text::escape_vtt;

/// A text track that mirrors the pages of a job. A cue that stays is never taken off and put on again:
/// it would flicker under the viewer's eyes.
pub struct Subtitles {
    track: TextTrack,
    held: Vec<(Arc<Vec<Cue>>, Vec<VttCue>)>,
}

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
            take_off(&self.track, &cues);
        }
        for (number, page) in pages.iter().enumerate() {
            let held = self.held.get(number);
            if held.is_some_and(|(held, _)| held == page) {
                continue;
            }
            if let Some((_, cues)) = held {
                take_off(&self.track, cues);
            }
            let cues: Vec<VttCue> = page.iter().filter_map(vtt_cue).collect();
            for cue in &cues {
                self.track.add_cue(cue);
            }
            let put_on = (Arc::clone(page), cues);
            match self.held.get_mut(number) {
                Some(held) => *held = put_on,
                None => self.held.push(put_on),
            }
        }
    }
}

fn take_off(track: &TextTrack, cues: &[VttCue]) {
    for cue in cues {
        // Fails only for a cue that is not in the track.
        let _ = track.remove_cue(cue);
    }
}

fn vtt_cue(cue: &Cue) -> Option<VttCue> {
    VttCue::new(cue.start.as_secs_f64(), cue.end.as_secs_f64(), &escape_vtt(&cue.text)).ok()
}
