//! What the editor says to people.

use domain::Profile;
use domain::conformity::Fault;
use domain::correction::Correction;

use crate::tr::{self, Text, tr, tr_count};

pub const SAVED: Text = Text("Saved");
pub const SAVING: Text = Text("Saving …");
pub const RETRYING: Text = Text("Not saved: retrying");
pub const NOT_SAVED: Text = Text("Not saved");
pub const GONE: Text = Text("Not saved: this job is gone");
pub const CONFLICT: Text = Text("Somebody else changed a cue that you changed too.");

pub const HINT: Text =
    Text("Click a text to correct it, a time to hear it. Keys: arrows, Enter, and ? for all of them.");

pub const WATCH_HINT: Text =
    Text("Click a line to hear it. Keys: arrows, Enter, E to correct, and ? for all of them.");

/// Keys, by what they do.
pub type Keys = (Text, &'static [(Text, Text)]);

/// Keys that are called the same in every language: nobody has to translate them.
const fn everywhere(keys: &'static str) -> Text {
    Text(keys)
}

/// Those of the page that watches.
pub const WATCH_KEYS: [Keys; 2] = [
    (
        Text("Player"),
        &[
            (Text("Space or K"), Text("play, pause")),
            (Text("J, L or ←, →"), Text("5 seconds back, forward")),
            (everywhere("−, +"), Text("slower, faster")),
            (Text("Enter or H"), Text("hear this line")),
        ],
    ),
    (
        Text("Transcript"),
        &[
            (everywhere("↑, ↓"), Text("to the line above, below")),
            (Text("Page up, Page down"), Text("ten lines further")),
            (Text("Home, End"), Text("to the first, the last")),
            (everywhere("E"), Text("correct the subtitles, from this line on")),
            (everywhere("?"), Text("this list")),
        ],
    ),
];

/// Those of the page that edits.
pub const KEYS: [Keys; 5] = [
    (
        Text("Player"),
        &[
            (Text("Space or K"), Text("play, pause")),
            (everywhere("J, L"), Text("5 seconds back, forward")),
            (everywhere("−, +"), Text("slower, faster")),
            (everywhere("H"), Text("hear this cue")),
            (everywhere("Alt K, Alt J, Alt L, Alt H"), Text("the same while you write")),
        ],
    ),
    (
        Text("Cues"),
        &[
            (everywhere("↑, ↓"), Text("to the cue above, below")),
            (Text("Page up, Page down"), Text("ten cues further")),
            (Text("Home, End"), Text("to the first, the last")),
            (Text("Enter or E"), Text("correct this cue")),
            (Text("Escape"), Text("leave it; what you wrote stays")),
            (everywhere("Alt ↑, Alt ↓"), Text("correct the cue above, below")),
        ],
    ),
    (
        Text("Corrections"),
        &[
            (Text("Ctrl Enter"), Text("split at the cursor")),
            (Text("Ctrl M"), Text("join with the next cue")),
            (Text("I, or Alt I"), Text("insert a cue below")),
            (Text("Ctrl Delete"), Text("delete; Ctrl Shift Delete while you write")),
            (Text("[ and ]"), Text("start, end where the player is; with Alt while you write")),
            (Text("↑, ↓ in a time"), Text("a tenth of a second later, earlier")),
            (Text("Ctrl Z, Ctrl Shift Z"), Text("undo, redo")),
        ],
    ),
    (
        Text("Waveform"),
        &[
            (everywhere("←, →"), Text("start a tenth of a second earlier, later")),
            (Text("Shift ←, Shift →"), Text("the same for the end")),
            (Text("Ctrl ←, Ctrl →"), Text("by a frame; with Shift the end")),
            (Text("S, or Alt S"), Text("start and end to where speech begins and ends")),
            (Text("Z, Shift Z"), Text("closer, further; Ctrl and the wheel too")),
            (Text("Alt while you draw"), Text("the edge goes anywhere, not only to speech")),
            (Text("Escape while you draw"), Text("it goes back")),
        ],
    ),
    (
        Text("Text"),
        &[
            (Text("Ctrl F"), Text("find and replace")),
            (everywhere("N"), Text("to the next problem")),
            (everywhere("?"), Text("this list")),
        ],
    ),
];

pub const YOURS: Text = Text("Yours:");
pub const THEIRS_BELOW: Text = Text("Theirs stands below.");
pub const KEEP_MINE: Text = Text("Keep mine");
pub const TAKE_THEIRS: Text = Text("Take theirs");

/// What a person wanted to be shown, in short.
pub fn said_by(changes: &[Correction]) -> String {
    let said = changes.iter().map(|change| match change {
        Correction::Replace { cues, .. } if cues.is_empty() => tr!("(deleted)").to_owned(),
        Correction::Replace { cues, .. } => {
            cues.iter().map(|cue| cue.text.as_str()).collect::<Vec<_>>().join(" / ")
        }
        Correction::Reset { .. } => tr!("(as it was heard)").to_owned(),
        Correction::Shift { by, .. } => tr!("(everything from here {0} ms later)", by),
    });
    said.collect::<Vec<_>>().join(" / ")
}

pub const TEXT: Text = Text("Text of this cue");
pub const NEW_CUE: &str = "…";
pub const START: Text = Text("Start");
pub const START_EARLIER: Text = Text("Start earlier");
pub const START_LATER: Text = Text("Start later");
pub const START_HERE: Text = Text("Start where the player is");
pub const END: Text = Text("End");
pub const END_EARLIER: Text = Text("End earlier");
pub const END_LATER: Text = Text("End later");
pub const END_HERE: Text = Text("End where the player is");
pub const SHIFT: Text = Text("Later by ms");
pub const SHIFT_HINT: Text = Text("Shift this cue and all behind it");

pub const WAVE: Text = Text("Sound");
pub const WAVE_TOLD: Text = Text("How loud it is around the place of the player, with the cues over it");
pub const WAVE_HINT: Text = Text("Choose a cue to draw its edges.");
pub const NO_SOUND_YET: Text = Text("The sound could not be read. It is asked for again.");
pub const ZOOM_IN: Text = Text("Closer (Z)");
pub const ZOOM_OUT: Text = Text("Further (Shift Z)");
pub const SNAP: Text = Text("Snap");
pub const SNAP_KEYS: Text = Text("Snap: start and end to where speech begins and ends (S)");
pub const SNAPPED: Text = Text("The cue begins and ends with the speech.");
pub const NOT_SNAPPED: Text = Text("No other beginning or end of speech is near.");

pub const CHECK: Text = Text("Check by the rules of");
pub const NO_CHECKS: Text = Text("No checks");
pub const NEXT_PROBLEM: Text = Text("Next problem");
pub const NEXT_PROBLEM_KEYS: Text = Text("Next problem (N)");
pub const FIX: Text = Text("Fix all");
pub const FIX_HINT: Text = Text("Fix all: lay out anew what is wrong");
pub const FIXED: Text = Text("Fixed, as far as it can be.");
pub const NOT_FIXED: Text = Text("What is left only a person can fix.");
pub const REPORT: Text = Text("Report");

pub fn profile(profile: Profile) -> &'static str {
    match profile {
        Profile::Netflix => "Netflix",
        Profile::Bbc => "BBC",
        Profile::Ted => "TED",
        Profile::Shorts => "Shorts",
    }
}

pub fn problems(faults: usize, cues: usize) -> String {
    match (faults, cues) {
        (0, _) => tr!("No problems").to_owned(),
        (1, _) => tr!("1 problem").to_owned(),
        _ => tr_count!(cues, "{1} problems in {0} cue", "{1} problems in {0} cues", faults),
    }
}

pub fn fault(fault: Fault) -> String {
    match fault {
        Fault::Empty => tr!("No text").to_owned(),
        Fault::TooManyLines { is, most } => tr!("{0} lines; at most {1}", is, most),
        Fault::LineTooLong { is, most } => tr!("A line of {0} characters; at most {1}", is, most),
        Fault::TooFast { is, most } => tr!("{0} characters a second; at most {1}", is, most),
        Fault::TooShort { is, least } => tr!("{0} s long; at least {1} s", seconds(is), seconds(least)),
        Fault::TooLong { is, most } => tr!("{0} s long; at most {1} s", seconds(is), seconds(most)),
        Fault::GapTooSmall { is, least } => tr!("{0} ms to the next cue; at least {1} ms", is, least),
    }
}

fn seconds(ms: u64) -> String {
    tr::decimal(format!("{}.{:02}", ms / 1_000, ms / 10 % 100))
}

pub const SPEED: Text = Text("Speed of the player");

pub const FIND: Text = Text("Find");
pub const REPLACE_BY: Text = Text("Replace by");
pub const REPLACE: Text = Text("Replace");
pub const REPLACE_ALL: Text = Text("Replace all");
pub const MIND_CASE: Text = Text("Tell capital letters from small ones");
pub const PATTERN: Text = Text("Regular expression");
pub const PREVIOUS: Text = Text("Previous match");
pub const NEXT: Text = Text("Next match");
pub const CLOSE: Text = Text("Close");
pub const WRONG_PATTERN: Text = Text("This is no regular expression.");

/// The match that is shown, counted from 0, and how many there are.
pub fn found(at: usize, count: usize) -> String {
    if count == 0 { tr!("Not found").to_owned() } else { tr!("{0} of {1}", at + 1, count) }
}

pub const TOOLBAR: Text = Text("Tools");
pub const EDIT: Text = Text("Edit");
pub const EDIT_UNSAVED: Text = Text("Edit (unsaved changes)");
pub const EDIT_KEYS: Text = Text("Correct the subtitles (E)");
pub const WATCH: Text = Text("Done editing");
pub const UNDO: Text = Text("Undo");
pub const UNDO_KEYS: Text = Text("Undo (Ctrl Z)");
pub const REDO: Text = Text("Redo");
pub const REDO_KEYS: Text = Text("Redo (Ctrl Shift Z)");
pub const FIND_KEYS: Text = Text("Find and replace (Ctrl F)");
pub const HELP: Text = Text("Keys");
pub const HELP_KEYS: Text = Text("Keys (?)");
pub const FOLLOW: Text = Text("Follow along");
pub const SPLIT: Text = Text("Split");
pub const SPLIT_KEYS: Text = Text("Split at the cursor (Ctrl Enter)");
pub const MERGE: Text = Text("Join next");
pub const MERGE_KEYS: Text = Text("Join next: one cue of both (Ctrl M)");
pub const INSERT: Text = Text("Insert");
pub const INSERT_KEYS: Text = Text("Insert a cue below (Alt I)");
pub const DELETE: Text = Text("Delete");
pub const DELETE_KEYS: Text = Text("Delete this cue (Ctrl Shift Delete)");
pub const RESET: Text = Text("Reset");
pub const RESET_HINT: Text = Text("Reset to what was heard");
pub const DONE: Text = Text("Done");
pub const DONE_KEYS: Text = Text("Done (Escape)");
pub const SHIFT_NAME: Text = Text("Shift");
