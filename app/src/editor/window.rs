//! Which part of a long list is in the document: what is near the view. The rest is empty space of about its height.

use std::collections::HashMap;
use std::ops::Range;

use super::rows::Rows;

/// A minute of the media: what comes and goes together.
pub const BLOCK_MS: u64 = 60_000;

/// So many rows are there before anybody scrolled, and all of a list that has no more.
pub const FIRST_ROWS: usize = 150;

/// Height of a row that was not measured, in pixels: two lines of text.
const ROW: f64 = 62.0;

/// How far beyond the view rows are kept, in pixels.
const MARGIN: f64 = 900.0;

/// The rows of one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub number: u64,
    pub rows: Range<usize>,
}

/// Minutes in which nobody speaks have none.
pub fn blocks(rows: &Rows) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (at, shown) in rows.cues.iter().enumerate() {
        let number = shown.cue.start.0 / BLOCK_MS;
        match blocks.last_mut() {
            Some(block) if block.number == number => block.rows.end = at + 1,
            _ => blocks.push(Block { number, rows: at..at + 1 }),
        }
    }
    blocks
}

/// The blocks that the first rows are in.
pub fn first(blocks: &[Block]) -> &[Block] {
    let count = blocks.partition_point(|block| block.rows.start < FIRST_ROWS);
    &blocks[..count]
}

/// Numbers of the first and the last of these, before anything was measured.
pub fn near_at_first(blocks: &[Block]) -> (u64, u64) {
    let shown = first(blocks);
    (0, shown.last().filter(|_| shown.len() < blocks.len()).map_or(u64::MAX, |block| block.number))
}

/// Heights of blocks in pixels, as they were when they were last in the document.
#[derive(Debug, Clone, Default)]
pub struct Heights(pub HashMap<u64, f64>);

impl Heights {
    pub fn of(&self, block: &Block) -> f64 {
        self.0.get(&block.number).copied().unwrap_or(block.rows.len() as f64 * ROW)
    }
}

/// Numbers of the first and the last block near a view of this height, that is scrolled so far; whole lists where they
/// are short.
pub fn near(blocks: &[Block], heights: &Heights, scrolled: f64, height: f64) -> (u64, u64) {
    let Some(last) = blocks.last() else { return (0, 0) };
    if last.rows.end <= FIRST_ROWS {
        return (0, u64::MAX);
    }
    let (top, bottom) = (scrolled - MARGIN, scrolled + height + MARGIN);
    let (mut from, mut to) = (None, blocks[0].number);
    let mut y = 0.0;
    for block in blocks {
        let end = y + heights.of(block);
        if y <= bottom {
            to = block.number;
        }
        if end >= top && from.is_none() {
            from = Some(block.number);
        }
        y = end;
    }
    // Scrolled beyond the end, as when the list has become shorter.
    let from = from.unwrap_or(last.number);
    (from, to.max(from))
}

#[cfg(test)]
mod tests {
    use domain::{Corrections, Cue, Timestamp};

    use super::*;

    fn rows(count: u64, apart_ms: u64) -> Rows {
        let cue = |at: u64| Cue {
            start: Timestamp(at * apart_ms),
            end: Timestamp(at * apart_ms + 500),
            text: "a".into(),
            doubts: Vec::new(),
        };
        let cues: Vec<Cue> = (0..count).map(cue).collect();
        Rows::of(Corrections::default().shown(&cues))
    }

    #[test]
    fn a_short_list_is_there_as_a_whole() {
        let blocks = blocks(&rows(150, 3_000));
        assert_eq!(blocks.len(), 8);
        assert_eq!(blocks[1], Block { number: 1, rows: 20..40 });
        assert_eq!(
            (near(&blocks, &Heights::default(), 0.0, 500.0), first(&blocks).len()),
            ((0, u64::MAX), 8)
        );
    }

    #[test]
    fn of_a_long_list_only_what_is_near_the_view() {
        let blocks = blocks(&rows(5_000, 3_000));
        let mut heights = Heights::default();
        let check = |heights: &Heights, scrolled, expect| {
            assert_eq!(near(&blocks, heights, scrolled, 600.0), expect, "at {scrolled}");
        };
        check(&heights, 0.0, (0, 1));
        check(&heights, 12_400.0, (9, 11));
        check(&heights, 1e9, (249, 249));
        heights.0.insert(0, 5_000.0);
        check(&heights, 1_000.0, (0, 0));
        check(&heights, 5_000.0, (0, 2));
        assert_eq!(first(&blocks).last().map(|block| block.rows.end), Some(160));
        assert_eq!((near_at_first(&blocks), near_at_first(&blocks[..3])), ((0, 7), (0, u64::MAX)));
        assert_eq!(near(&[], &heights, 3.0, 4.0), (0, 0));
    }

    #[test]
    fn silence_takes_no_room() {
        let blocks = blocks(&rows(3, 600_000));
        assert_eq!(blocks.iter().map(|block| block.number).collect::<Vec<_>>(), [0, 10, 20]);
    }
}
