//! The address bar, and word from one part of the page to another.

use leptos::prelude::{window, window_event_listener_untyped};
use web_sys::Event;

/// Leaves for another page.
pub fn go(address: &str) {
    let _ = window().location().set_href(address);
}

/// Shows another address for what is on this page.
pub fn show(address: &str) {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(address));
    }
}

/// Jobs were made on this page.
const SUBMITTED: &str = "cuelight-submitted";

pub fn tell_submitted() {
    if let Ok(event) = Event::new(SUBMITTED) {
        let _ = window().dispatch_event(&event);
    }
}

/// Calls `heard` when jobs were made, until the handle is removed.
pub fn on_submitted(heard: impl Fn() + 'static) -> leptos::prelude::WindowListenerHandle {
    window_event_listener_untyped(SUBMITTED, move |_| heard())
}
