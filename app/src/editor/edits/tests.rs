use std::sync::Arc;

use domain::correction::{merge, reset, set_text, split};

use super::*;
use crate::live::samples;

fn state() -> JobState {
    let cue = |at: u64| Cue {
        start: Timestamp(1_000 * at),
        end: Timestamp(1_000 * at + 800),
        text: format!("m{at}"),
        doubts: Vec::new(),
    };
    JobState { pages: vec![Arc::new((0..5).map(cue).collect())], ..samples::state() }
}

fn texts(state: &JobState) -> Vec<String> {
    state.shown_cues().into_iter().map(|shown| shown.cue.text).collect()
}

fn type_text(state: &mut JobState, at: usize, text: &str) {
    let changes = set_text(&state.shown_cues(), at, text);
    state.edit(changes);
}

/// A server that takes what is sent.
#[derive(Default)]
struct Server {
    revision: Revision,
    corrections: Corrections,
}

impl Server {
    fn save(&mut self, changes: &[Correction]) -> Saved {
        self.revision += 1;
        changes.iter().for_each(|change| self.corrections.apply(change, self.revision));
        self.saved(&[])
    }

    fn saved(&self, conflicts: &[Span]) -> Saved {
        Saved {
            revision: self.revision,
            corrections: self.corrections.clone(),
            conflicts: conflicts.to_vec(),
        }
    }

    /// What this person has to say, as the real one answers it; false: it is a conflict.
    fn take(&mut self, state: &mut JobState) -> bool {
        let changes = state.edits.outbox.send().unwrap();
        let conflicts = self.corrections.conflicts(state.revision + 1.., &changes);
        if conflicts.is_empty() {
            let saved = self.save(&changes);
            state.saved(saved);
        } else {
            state.merge(self.saved(&conflicts));
        }
        conflicts.is_empty()
    }
}

#[test]
fn what_is_typed_while_a_save_is_under_way_stays_and_is_saved_next() {
    let (mut state, mut server) = (state(), Server::default());
    type_text(&mut state, 1, "one");
    let sent = state.edits.outbox.send().unwrap();
    type_text(&mut state, 1, "one more");
    let saved = server.save(&sent);
    state.saved(saved);
    assert_eq!((texts(&state)[1].as_str(), state.edits.outbox.conflicts.len()), ("one more", 0));
    assert!(server.take(&mut state));
    assert_eq!(
        (texts(&state)[1].as_str(), state.revision, state.edits.outbox.kept(2)),
        ("one more", 2, None)
    );
}

#[test]
fn others_change_other_places_under_the_own_unsaved_text() {
    let (mut state, mut server) = (state(), Server::default());
    type_text(&mut state, 1, "mine");
    let theirs = set_text(&state.shown_cues(), 3, "theirs");
    state.merge(server.save(&theirs));
    assert_eq!(texts(&state), ["m0", "mine", "m2", "theirs", "m4"]);
    assert!(server.take(&mut state));
    assert!(state.undo().is_some());
    assert_eq!(texts(&state), ["m0", "m1", "m2", "theirs", "m4"]);
}

#[test]
fn at_the_same_place_the_person_decides() {
    for keep in [true, false] {
        let (mut state, mut server) = (state(), Server::default());
        let theirs = set_text(&state.shown_cues(), 1, "theirs");
        server.save(&theirs);
        type_text(&mut state, 1, "mine");
        type_text(&mut state, 4, "elsewhere");
        assert!(!server.take(&mut state));
        assert_eq!(texts(&state), ["m0", "theirs", "m2", "m3", "elsewhere"]);
        let span = state.edits.outbox.conflicts[0].span;
        // What cannot be taken back honestly is forgotten; the rest is not.
        assert!(state.undo().is_some() && state.undo().is_none());
        assert!(state.redo().is_some());
        state.decide(span, keep);
        assert!(server.take(&mut state));
        let expect = if keep { "mine" } else { "theirs" };
        assert_eq!(texts(&state)[1], expect);
        assert_eq!(state.edits.outbox, Outbox::default());
    }
}

#[test]
fn a_save_whose_answer_was_lost_is_no_conflict() {
    let (mut state, mut server) = (state(), Server::default());
    let change = merge(&state.shown_cues(), 0);
    state.edit(change);
    let change = reset(&state.shown_cues(), 0);
    state.edit(change);
    type_text(&mut state, 0, "again");
    server.save(&state.edits.outbox.send().unwrap());
    state.edits.outbox.returned();
    server.take(&mut state);
    assert_eq!((texts(&state)[0].as_str(), state.edits.outbox.conflicts.len()), ("again", 0));
}

#[test]
fn what_an_earlier_visit_left_is_taken_up() {
    let mut left = state();
    type_text(&mut left, 2, "one two");
    let change = split(&left.shown_cues(), 2, 4);
    left.edit(change);
    let kept = left.edits.outbox.kept(left.revision).unwrap();
    let kept: Kept = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let mut state = state();
    state.restore(kept.clone());
    assert_eq!(texts(&state), texts(&left));
    // Meanwhile somebody else was here.
    let mut server = Server::default();
    let theirs = set_text(&self::state().shown_cues(), 2, "theirs");
    let mut state = JobState { ..self::state() };
    state.merge(server.save(&theirs));
    state.restore(kept);
    assert_eq!(
        (texts(&state)[2].as_str(), state.edits.outbox.conflicts.len(), state.revision),
        ("theirs", 1, 1)
    );
}
