//! What the editor says to people.

use domain::Profile;
use domain::conformity::Fault;
use domain::correction::Correction;

pub const SAVED: &str = "Saved";
pub const SAVING: &str = "Saving …";
pub const RETRYING: &str = "Not saved: retrying";
pub const NOT_SAVED: &str = "Not saved";
pub const GONE: &str = "Not saved: this job is gone";
pub const CONFLICT: &str = "Somebody else changed a cue that you changed too.";

pub const HINT: &str =
    "Click a text to correct it, a time to hear it. Keys: arrows, Enter, and ? for all of them.";

pub const WATCH_HINT: &str =
    "Click a line to hear it. Keys: arrows, Enter, E to correct, and ? for all of them.";

/// Keys, by what they do.
pub type Keys = (&'static str, &'static [(&'static str, &'static str)]);

/// Those of the page that watches.
pub const WATCH_KEYS: [Keys; 2] = [
    (
        "Player",
        &[
            ("Space or K", "play, pause"),
            ("J, L or ←, →", "5 seconds back, forward"),
            ("−, +", "slower, faster"),
            ("Enter or H", "hear this line"),
        ],
    ),
    (
        "Transcript",
        &[
            ("↑, ↓", "to the line above, below"),
            ("Page up, Page down", "ten lines further"),
            ("Home, End", "to the first, the last"),
            ("E", "correct the subtitles, from this line on"),
            ("?", "this list"),
        ],
    ),
];

/// Those of the page that edits.
pub const KEYS: [Keys; 5] = [
    (
        "Player",
        &[
            ("Space or K", "play, pause"),
            ("J, L", "5 seconds back, forward"),
            ("−, +", "slower, faster"),
            ("H", "hear this cue"),
            ("Alt K, Alt J, Alt L, Alt H", "the same while you write"),
        ],
    ),
    (
        "Cues",
        &[
            ("↑, ↓", "to the cue above, below"),
            ("Page up, Page down", "ten cues further"),
            ("Home, End", "to the first, the last"),
            ("Enter or E", "correct this cue"),
            ("Escape", "leave it; what you wrote stays"),
            ("Alt ↑, Alt ↓", "correct the cue above, below"),
        ],
    ),
    (
        "Corrections",
        &[
            ("Ctrl Enter", "split at the cursor"),
            ("Ctrl M", "join with the next cue"),
            ("I, or Alt I", "insert a cue below"),
            ("Ctrl Delete", "delete; Ctrl Shift Delete while you write"),
            ("[ and ]", "start, end where the player is; with Alt while you write"),
            ("↑, ↓ in a time", "a tenth of a second later, earlier"),
            ("Ctrl Z, Ctrl Shift Z", "undo, redo"),
        ],
    ),
    (
        "Waveform",
        &[
            ("←, →", "start a tenth of a second earlier, later"),
            ("Shift ←, Shift →", "the same for the end"),
            ("Ctrl ←, Ctrl →", "by a frame; with Shift the end"),
            ("S, or Alt S", "start and end to where speech begins and ends"),
            ("Z, Shift Z", "closer, further; Ctrl and the wheel too"),
            ("Alt while you draw", "the edge goes anywhere, not only to speech"),
            ("Escape while you draw", "it goes back"),
        ],
    ),
    ("Text", &[("Ctrl F", "find and replace"), ("N", "to the next problem"), ("?", "this list")]),
];

pub const YOURS: &str = "Yours: ";
pub const THEIRS_BELOW: &str = "Theirs stands below.";
pub const KEEP_MINE: &str = "Keep mine";
pub const TAKE_THEIRS: &str = "Take theirs";

/// What a person wanted to be shown, in short.
pub fn said_by(changes: &[Correction]) -> String {
    let said = changes.iter().map(|change| match change {
        Correction::Replace { cues, .. } if cues.is_empty() => "(deleted)".to_owned(),
        Correction::Replace { cues, .. } => {
            cues.iter().map(|cue| cue.text.as_str()).collect::<Vec<_>>().join(" / ")
        }
        Correction::Reset { .. } => "(as it was heard)".into(),
        Correction::Shift { by, .. } => format!("(everything from here {by} ms later)"),
    });
    said.collect::<Vec<_>>().join(" / ")
}

pub const TEXT: &str = "Text of this cue";
pub const NEW_CUE: &str = "…";
pub const START: &str = "Start";
pub const START_EARLIER: &str = "Start earlier";
pub const START_LATER: &str = "Start later";
pub const START_HERE: &str = "Start where the player is";
pub const END: &str = "End";
pub const END_EARLIER: &str = "End earlier";
pub const END_LATER: &str = "End later";
pub const END_HERE: &str = "End where the player is";
pub const SHIFT: &str = "Later by ms ";
pub const SHIFT_HINT: &str = "Shift this cue and all behind it";

pub const WAVE: &str = "Sound";
pub const WAVE_TOLD: &str = "How loud it is around the place of the player, with the cues over it";
pub const WAVE_HINT: &str = "Choose a cue to draw its edges.";
pub const NO_SOUND_YET: &str = "The sound could not be read. It is asked for again.";
pub const ZOOM_IN: &str = "Closer (Z)";
pub const ZOOM_OUT: &str = "Further (Shift Z)";
pub const SNAP: &str = "Snap";
pub const SNAP_KEYS: &str = "Snap: start and end to where speech begins and ends (S)";
pub const SNAPPED: &str = "The cue begins and ends with the speech.";
pub const NOT_SNAPPED: &str = "No other beginning or end of speech is near.";

pub const CHECK: &str = "Check by the rules of";
pub const NO_CHECKS: &str = "No checks";
pub const NEXT_PROBLEM: &str = "Next problem";
pub const NEXT_PROBLEM_KEYS: &str = "Next problem (N)";
pub const FIX: &str = "Fix all";
pub const FIX_HINT: &str = "Fix all: lay out anew what is wrong";
pub const FIXED: &str = "Fixed, as far as it can be.";
pub const NOT_FIXED: &str = "What is left only a person can fix.";
pub const REPORT: &str = "Report";

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
        (0, _) => "No problems".into(),
        (1, _) => "1 problem".into(),
        (faults, 1) => format!("{faults} problems in 1 cue"),
        (faults, cues) => format!("{faults} problems in {cues} cues"),
    }
}

pub fn fault(fault: Fault) -> String {
    match fault {
        Fault::Empty => "No text".into(),
        Fault::TooManyLines { is, most } => format!("{is} lines; at most {most}"),
        Fault::LineTooLong { is, most } => format!("A line of {is} characters; at most {most}"),
        Fault::TooFast { is, most } => format!("{is} characters a second; at most {most}"),
        Fault::TooShort { is, least } => format!("{} s long; at least {} s", seconds(is), seconds(least)),
        Fault::TooLong { is, most } => format!("{} s long; at most {} s", seconds(is), seconds(most)),
        Fault::GapTooSmall { is, least } => format!("{is} ms to the next cue; at least {least} ms"),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:02}", ms / 1_000, ms / 10 % 100)
}

pub const SPEED: &str = "Speed of the player";

pub const FIND: &str = "Find";
pub const REPLACE_BY: &str = "Replace by";
pub const REPLACE: &str = "Replace";
pub const REPLACE_ALL: &str = "Replace all";
pub const MIND_CASE: &str = "Tell capital letters from small ones";
pub const PATTERN: &str = "Regular expression";
pub const PREVIOUS: &str = "Previous match";
pub const NEXT: &str = "Next match";
pub const CLOSE: &str = "Close";
pub const WRONG_PATTERN: &str = "This is no regular expression.";

/// The match that is shown, counted from 0, and how many there are.
pub fn found(at: usize, count: usize) -> String {
    if count == 0 { "Not found".into() } else { format!("{} of {count}", at + 1) }
}

pub const TOOLBAR: &str = "Tools";
pub const EDIT: &str = "Edit";
pub const EDIT_UNSAVED: &str = "Edit (unsaved changes)";
pub const EDIT_KEYS: &str = "Correct the subtitles (E)";
pub const WATCH: &str = "Done editing";
pub const UNDO: &str = "Undo";
pub const UNDO_KEYS: &str = "Undo (Ctrl Z)";
pub const REDO: &str = "Redo";
pub const REDO_KEYS: &str = "Redo (Ctrl Shift Z)";
pub const FIND_KEYS: &str = "Find and replace (Ctrl F)";
pub const HELP: &str = "Keys";
pub const HELP_KEYS: &str = "Keys (?)";
pub const FOLLOW: &str = "Follow along";
pub const SPLIT: &str = "Split";
pub const SPLIT_KEYS: &str = "Split at the cursor (Ctrl Enter)";
pub const MERGE: &str = "Join next";
pub const MERGE_KEYS: &str = "Join next: one cue of both (Ctrl M)";
pub const INSERT: &str = "Insert";
pub const INSERT_KEYS: &str = "Insert a cue below (Alt I)";
pub const DELETE: &str = "Delete";
pub const DELETE_KEYS: &str = "Delete this cue (Ctrl Shift Delete)";
pub const RESET: &str = "Reset";
pub const RESET_HINT: &str = "Reset to what was heard";
pub const DONE: &str = "Done";
pub const DONE_KEYS: &str = "Done (Escape)";
pub const SHIFT_NAME: &str = "Shift";
