//! What became of each stretch of the media so far: pure, so that it is tested without a browser.

use domain::correction::ShownCue;
use domain::{Cue, JobStatus, JobView};

/// About what workers listen to at a time.
const WINDOW_MS: u64 = 15_000;

/// The line in units of its picture. Whole numbers: to write others takes code that weighs more than the strip.
pub const WIDTH: u64 = CELLS * CELL;
pub const HEIGHT: u64 = 10;

/// What is doubted within one cell of the line is one mark.
const CELLS: u64 = 500;
const CELL: u64 = 10;

/// Height of a mark for one doubted word in hours; where a quarter of a cell is doubted, it is whole.
const LOWEST: u64 = 3;
const WHOLE_SHARE: u64 = 4;

#[derive(Debug)]
pub struct Stretches {
    /// 0: nobody knows yet.
    pub length_ms: u64,
    /// Heard from the beginning up to here.
    pub heard_ms: u64,
    /// From there up to here somebody listens now.
    pub listening_ms: u64,
    /// Whether what is left will be heard.
    pub is_waiting: bool,
    /// How many words are doubted.
    pub doubts: usize,
    /// Cells with doubted words, and how high each mark is.
    marks: Vec<(u64, u64)>,
}

/// What a moment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Heard,
    Listening,
    Waiting,
    Unheard,
}

impl Stretches {
    /// `shown` are the cues as people see them.
    pub fn of(job: &JobView, shown: &[ShownCue]) -> Stretches {
        let length_ms = job.duration_ms.unwrap_or(0);
        let heard_ms = match job.status {
            JobStatus::Completed => length_ms,
            _ => job.transcribed_ms.0.min(length_ms),
        };
        let listening_ms = match job.status {
            JobStatus::Running => (heard_ms + WINDOW_MS).min(length_ms),
            _ => heard_ms,
        };
        let mut stretches = Stretches {
            length_ms,
            heard_ms,
            listening_ms,
            is_waiting: !job.status.is_terminal(),
            doubts: 0,
            marks: Vec::new(),
        };
        if length_ms > 0 {
            stretches.mark(shown);
        }
        stretches
    }

    fn mark(&mut self, shown: &[ShownCue]) {
        let mut cells = vec![0; CELLS as usize];
        let length = self.length_ms;
        for cue in shown.iter().map(|shown| &shown.cue) {
            for (from, to) in doubted(cue) {
                self.doubts += 1;
                let (first, last) = (self.cell(from), self.cell(to.saturating_sub(1).max(from)));
                for cell in first..=last {
                    let (begin, end) = (cell * length / CELLS, (cell + 1) * length / CELLS);
                    cells[cell as usize] += to.min(end).saturating_sub(from.max(begin)).max(1);
                }
            }
        }
        for (cell, doubted_ms) in (0..).zip(cells).filter(|(_, doubted_ms)| *doubted_ms > 0) {
            let more = (HEIGHT - LOWEST) * doubted_ms * WHOLE_SHARE * CELLS / length;
            self.marks.push((cell, (LOWEST + more).min(HEIGHT)));
        }
    }

    fn cell(&self, ms: u64) -> u64 {
        (self.place(ms) / CELL).min(CELLS - 1)
    }

    /// Where a moment is on the line.
    pub fn place(&self, ms: u64) -> u64 {
        ms.min(self.length_ms) * WIDTH / self.length_ms.max(1)
    }

    /// What is being heard, what is heard, and what of it is doubted, as paths of SVG.
    pub fn shapes(&self) -> [String; 3] {
        let block = |from: u64, to: u64| match from < to {
            true => format!("M{from} 0H{to}V{HEIGHT}H{from}Z"),
            false => String::new(),
        };
        let (heard, listening) = (self.place(self.heard_ms), self.place(self.listening_ms));
        let mut marks = String::new();
        for (cell, height) in &self.marks {
            let (from, to, top) = (cell * CELL, (cell + 1) * CELL, HEIGHT - height);
            marks.push_str(&format!("M{from} {top}H{to}V{HEIGHT}H{from}Z"));
        }
        [block(heard, listening), block(0, heard), marks]
    }

    pub fn kind(&self, ms: u64) -> Kind {
        if ms < self.heard_ms {
            return Kind::Heard;
        }
        if ms < self.listening_ms {
            return Kind::Listening;
        }
        if self.is_waiting { Kind::Waiting } else { Kind::Unheard }
    }

    /// The moment at this share of the line.
    pub fn moment(&self, share: f64) -> u64 {
        // `as` saturates: what is no number is the beginning.
        ((share.max(0.0) * self.length_ms as f64) as u64).min(self.length_ms)
    }
}

/// When the doubted words of a cue are said, if its letters share its time.
fn doubted(cue: &Cue) -> impl Iterator<Item = (u64, u64)> {
    let letters = if cue.doubts.is_empty() { 1 } else { cue.text.chars().count().max(1) as u64 };
    let length = cue.end.saturating_sub(cue.start);
    let moment = move |letter: u32| cue.start.0 + length * u64::from(letter).min(letters) / letters;
    cue.doubts.iter().map(move |(from, to)| (moment(*from), moment(*to)))
}

#[cfg(test)]
mod tests {
    use domain::{Corrections, Timestamp};

    use super::*;
    use crate::live::samples;

    fn job(status: JobStatus, length_ms: Option<u64>, heard_ms: u64) -> JobView {
        let mut job = samples::state().job;
        (job.status, job.duration_ms) = (status, length_ms);
        job.transcribed_ms = Timestamp(heard_ms);
        job
    }

    /// Start, end, text and where it is doubtful.
    type Row<'a> = (u64, u64, &'a str, &'a [(u32, u32)]);

    fn cues(cues: &[Row]) -> Vec<ShownCue> {
        let cue = |(start, end, text, doubts): &Row| Cue {
            start: Timestamp(*start),
            end: Timestamp(*end),
            text: (*text).into(),
            doubts: doubts.to_vec(),
        };
        Corrections::default().shown(&cues.iter().map(cue).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_heard_grows_and_the_end_of_the_job_ends_it() {
        use JobStatus::{Cancelled, Completed, Queued, Running};
        let check = |status, heard, expect: (u64, u64), later: Kind| {
            let stretches = Stretches::of(&job(status, Some(100_000), heard), &[]);
            assert_eq!((stretches.heard_ms, stretches.listening_ms), expect, "{status:?}");
            assert_eq!(stretches.kind(99_999), later, "{status:?}");
        };
        check(Queued, 0, (0, 0), Kind::Waiting);
        check(Running, 0, (0, 15_000), Kind::Waiting);
        check(Running, 20_000, (20_000, 35_000), Kind::Waiting);
        check(Running, 90_000, (90_000, 100_000), Kind::Listening);
        check(Cancelled, 20_000, (20_000, 20_000), Kind::Unheard);
        check(Completed, 98_000, (100_000, 100_000), Kind::Heard);
        for unknown in [None, Some(0)] {
            let stretches = Stretches::of(&job(Running, unknown, 7), &[]);
            assert_eq!((stretches.length_ms, stretches.shapes().concat()), (0, String::new()));
        }
    }

    #[test]
    fn a_doubted_word_is_marked_where_it_is_said() {
        let check = |length_ms, shown: &[ShownCue], doubts, marks: &str| {
            let stretches = Stretches::of(&job(JobStatus::Completed, Some(length_ms), 0), shown);
            let [_, heard, marked] = stretches.shapes();
            assert_eq!((stretches.doubts, marked.as_str()), (doubts, marks));
            assert_eq!(heard, "M0 0H5000V10H0Z");
        };
        // Two fifths of a second, of cells of one second.
        let shown = cues(&[(10_000, 11_000, "ab cd", &[(3, 5)]), (20_000, 21_000, "sure", &[])]);
        check(500_000, &shown, 1, "M100 0H110V10H100Z");
        // One word in a long cell is a low mark.
        check(14_400_000, &cues(&[(0, 1_000, "abcdefghij", &[(0, 1), (70, 90)])]), 2, "M0 7H10V10H0Z");
        // What lies outside the media is at its end.
        check(1_000, &cues(&[(5_000, 6_000, "ab", &[(0, 2)])]), 1, "M4990 0H5000V10H4990Z");
    }

    #[test]
    fn places_and_moments_belong_together() {
        let stretches = Stretches::of(&job(JobStatus::Queued, Some(60_000), 0), &[]);
        for (ms, place) in [(0, 0), (30_000, 2_500), (60_000, 5_000), (90_000, 5_000)] {
            assert_eq!(stretches.place(ms), place);
        }
        for (share, ms) in [(-1.0, 0), (0.0, 0), (0.5, 30_000), (1.0, 60_000), (7.0, 60_000), (f64::NAN, 0)] {
            assert_eq!(stretches.moment(share), ms, "{share}");
        }
    }
}
