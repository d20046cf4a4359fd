//! Live jobs: events from the server's WebSocket, folded into what a page knows.

mod fold;
mod socket;
mod told;

#[cfg(test)]
pub use fold::samples;
pub use fold::{Folded, JobState, fold, fold_view};
pub use socket::{WatchToken, backoff, show_reconnecting, unwatch, watch};

use leptos::prelude::*;

/// The browser's clock in milliseconds since 1970, ticking each second; `None` while the page is as the
/// server rendered it, so that both render the same.
#[derive(Debug, Clone, Copy)]
pub struct Now(pub RwSignal<Option<i64>>);

impl Now {
    pub fn provide() {
        let now = RwSignal::new(None);
        Effect::new(move || {
            let tick = move || now.set(Some(js_sys::Date::now() as i64));
            tick();
            set_interval(tick, std::time::Duration::from_secs(1));
        });
        provide_context(Now(now));
    }

    pub fn get() -> RwSignal<Option<i64>> {
        expect_context::<Now>().0
    }
}
