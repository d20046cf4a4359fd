//! Media as a stream of windows that can be looked at ahead.

use std::collections::VecDeque;

use domain::Timestamp;

use super::peaks::Peaks;
use super::session::{Listener, SessionError};
use super::voice::{Item, Windows};
use crate::audio::{AudioReader, SAMPLE_RATE};

/// Decodes and cuts no further than it is asked to.
pub struct Sound<'a> {
    reader: AudioReader,
    windows: Windows<'a>,
    peaks: Peaks,
    /// Cut and not taken yet.
    ready: VecDeque<Item>,
    rest: Rest,
    listener: &'a dyn Listener,
}

enum Rest {
    ToDecode,
    /// Told after what was heard until then.
    Broken(SessionError),
    Nothing,
}

impl<'a> Sound<'a> {
    /// `reader` begins at sample `origin`, the first window at `first` or later.
    pub fn new(
        reader: AudioReader,
        (origin, first): (u64, u64),
        windows: Windows<'a>,
        listener: &'a dyn Listener,
    ) -> Sound<'a> {
        Sound {
            reader,
            windows,
            peaks: Peaks::new(origin, first),
            ready: VecDeque::new(),
            rest: Rest::ToDecode,
            listener,
        }
    }

    /// The next item and how loud it is from the one before to its end; `None` at the end of the media.
    pub fn next(&mut self) -> Result<Option<(Item, String)>, SessionError> {
        if self.ahead(0).is_some() {
            return Ok(self.ready.pop_front().map(|item| {
                let peaks = self.peaks.take_until(item.end());
                (item, peaks)
            }));
        }
        match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Broken(error) => Err(error),
            _ => Ok(None),
        }
    }

    /// The item that comes after `count` others, which all stay to be taken; `None` beyond the last one.
    pub fn ahead(&mut self, count: usize) -> Option<&Item> {
        while self.ready.len() <= count && matches!(self.rest, Rest::ToDecode) {
            match self.decode() {
                Ok(true) => {}
                Ok(false) => self.rest = Rest::Nothing,
                Err(error) => self.rest = Rest::Broken(error),
            }
        }
        self.ready.get(count)
    }

    /// Samples decoded so far; at the end, the length of the media.
    pub fn decoded(&self) -> u64 {
        self.reader.decoded()
    }

    fn decode(&mut self) -> Result<bool, SessionError> {
        let buffer = self.windows.buffer();
        let before = buffer.len();
        let read = self.reader.read(buffer);
        self.peaks.hear(&buffer[before..]);
        let is_more = read?;
        self.listener.sign_of_life();
        self.ready.extend(self.windows.take(!is_more)?);
        Ok(is_more)
    }
}

/// When sample number `sample` sounds.
pub fn timestamp(sample: u64) -> Timestamp {
    Timestamp(sample * 1000 / SAMPLE_RATE)
}
