//! What the keys do.

use super::form::STEP_MS;
use super::wave::FRAME_MS;

/// What a person asks of the editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Play,
    /// Seconds.
    Jump(i32),
    Slower,
    Faster,
    /// Rows.
    Walk(isize),
    /// The player to the start of this cue.
    Hear,
    Open,
    /// On the page that edits.
    Edit,
    Leave,
    Split,
    Merge,
    Insert,
    Delete,
    StartHere,
    EndHere,
    /// To what was heard.
    Reset,
    /// This cue and all behind it.
    Shift,
    /// To where speech begins and ends.
    Snap,
    /// Milliseconds.
    Nudge {
        is_start: bool,
        by: i64,
    },
    ZoomIn,
    ZoomOut,
    StartEarlier,
    StartLater,
    EndEarlier,
    EndLater,
    KeepMine,
    TakeTheirs,
    Undo,
    Redo,
    Find,
    NextProblem,
    FixAll,
    Follow,
    Help,
}

/// What buttons say that they do.
const NAMES: [(&str, Command); 25] = [
    ("help", Command::Help),
    ("leave", Command::Leave),
    ("split", Command::Split),
    ("merge", Command::Merge),
    ("insert", Command::Insert),
    ("delete", Command::Delete),
    ("start-here", Command::StartHere),
    ("end-here", Command::EndHere),
    ("reset", Command::Reset),
    ("shift", Command::Shift),
    ("snap", Command::Snap),
    ("zoom-in", Command::ZoomIn),
    ("zoom-out", Command::ZoomOut),
    ("start-earlier", Command::StartEarlier),
    ("start-later", Command::StartLater),
    ("end-earlier", Command::EndEarlier),
    ("end-later", Command::EndLater),
    ("keep-mine", Command::KeepMine),
    ("take-theirs", Command::TakeTheirs),
    ("undo", Command::Undo),
    ("redo", Command::Redo),
    ("find", Command::Find),
    ("next-problem", Command::NextProblem),
    ("fix-all", Command::FixAll),
    ("follow", Command::Follow),
];

impl Command {
    pub fn named(name: &str) -> Option<Command> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, command)| *command)
    }
}

/// Where the keyboard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a cue that is read, or anywhere in the list.
    Reading,
    /// In the text of a cue.
    Writing,
    /// In another field, or on a button.
    Field,
}

/// `key` as the browser names it. Control is Command on a Mac.
pub fn command(place: Place, key: &str, control: bool, shift: bool, alt: bool) -> Option<Command> {
    if place == Place::Reading && !alt && matches!(key, "ArrowLeft" | "ArrowRight") {
        let step = if control { FRAME_MS } else { STEP_MS };
        let by = if key == "ArrowLeft" { -step } else { step };
        return Some(Command::Nudge { is_start: !shift, by });
    }
    if control && !alt {
        return match (key.to_ascii_lowercase().as_str(), place) {
            ("z", Place::Reading | Place::Writing) if shift => Some(Command::Redo),
            ("z", Place::Reading | Place::Writing) => Some(Command::Undo),
            ("y", Place::Reading | Place::Writing) => Some(Command::Redo),
            ("f", _) if !shift => Some(Command::Find),
            ("enter", Place::Writing) => Some(Command::Split),
            ("m", Place::Reading | Place::Writing) => Some(Command::Merge),
            ("delete" | "backspace", Place::Reading) => Some(Command::Delete),
            ("delete" | "backspace", Place::Writing) if shift => Some(Command::Delete),
            _ => None,
        };
    }
    if alt && !control {
        return match (key.to_ascii_lowercase().as_str(), place) {
            ("k", _) => Some(Command::Play),
            ("j", _) => Some(Command::Jump(-5)),
            ("l", _) => Some(Command::Jump(5)),
            ("h", Place::Writing) => Some(Command::Hear),
            ("i", Place::Writing) => Some(Command::Insert),
            ("s", Place::Writing) => Some(Command::Snap),
            ("[", Place::Writing) => Some(Command::StartHere),
            ("]", Place::Writing) => Some(Command::EndHere),
            ("arrowdown", Place::Writing) => Some(Command::Walk(1)),
            ("arrowup", Place::Writing) => Some(Command::Walk(-1)),
            _ => None,
        };
    }
    if key == "Escape" {
        return Some(Command::Leave);
    }
    if place != Place::Reading || control || alt {
        return None;
    }
    match key {
        " " | "k" | "K" => Some(Command::Play),
        "j" | "J" => Some(Command::Jump(-5)),
        "l" | "L" => Some(Command::Jump(5)),
        "-" => Some(Command::Slower),
        "+" | "=" => Some(Command::Faster),
        "ArrowDown" => Some(Command::Walk(1)),
        "ArrowUp" => Some(Command::Walk(-1)),
        "PageDown" => Some(Command::Walk(10)),
        "PageUp" => Some(Command::Walk(-10)),
        "Home" => Some(Command::Walk(isize::MIN)),
        "End" => Some(Command::Walk(isize::MAX)),
        "Enter" => Some(Command::Open),
        "e" | "E" => Some(Command::Edit),
        "h" | "H" => Some(Command::Hear),
        "i" | "I" => Some(Command::Insert),
        "n" | "N" => Some(Command::NextProblem),
        "s" | "S" => Some(Command::Snap),
        "z" => Some(Command::ZoomIn),
        "Z" => Some(Command::ZoomOut),
        "[" => Some(Command::StartHere),
        "]" => Some(Command::EndHere),
        "?" => Some(Command::Help),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_text_where_a_person_writes() {
        let plain = |place, key| command(place, key, false, false, false);
        for key in [" ", "k", "j", "?", "Enter", "ArrowDown", "Home", "n", "["] {
            assert!(plain(Place::Reading, key).is_some(), "{key}");
            assert_eq!(plain(Place::Writing, key), None, "{key}");
            assert_eq!(plain(Place::Field, key), None, "{key}");
        }
        assert_eq!(plain(Place::Writing, "Escape"), Some(Command::Leave));
    }

    #[test]
    fn arrows_move_the_start_or_with_shift_the_end_of_a_cue_that_is_read() {
        let check = |key, control, shift, expect| {
            let command = command(Place::Reading, key, control, shift, false);
            let (is_start, by) = expect;
            assert_eq!(command, Some(Command::Nudge { is_start, by }));
        };
        check("ArrowLeft", false, false, (true, -100));
        check("ArrowRight", false, true, (false, 100));
        check("ArrowRight", true, false, (true, 40));
        check("ArrowLeft", true, true, (false, -40));
        assert_eq!(command(Place::Writing, "ArrowLeft", true, false, false), None);
    }

    #[test]
    fn control_does_the_same_while_reading_and_writing() {
        let check = |key, shift, expect| {
            for place in [Place::Reading, Place::Writing] {
                assert_eq!(command(place, key, true, shift, false), Some(expect));
            }
        };
        check("z", false, Command::Undo);
        check("Z", true, Command::Redo);
        check("m", false, Command::Merge);
        check("f", false, Command::Find);
        // A field for something else has its own undo.
        assert_eq!(command(Place::Field, "z", true, false, false), None);
        assert_eq!(command(Place::Reading, "c", true, false, false), None);
    }
}
