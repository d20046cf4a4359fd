//! How fast this worker is: the time it worked, by the length of what it heard.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Speed(Mutex<Done>);

#[derive(Debug, Default)]
struct Done {
    worked: Duration,
    media_ms: u64,
}

impl Speed {
    /// One attempt's work, and the media it got through.
    pub fn add(&self, worked: Duration, media_ms: u64) {
        let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        done.worked += worked;
        done.media_ms += media_ms;
    }

    /// The real-time factor since it was taken last; `None` if nothing was done.
    pub fn take(&self) -> Option<f64> {
        let done = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (done.media_ms > 0).then(|| done.worked.as_millis() as f64 / done.media_ms as f64)
    }
}
