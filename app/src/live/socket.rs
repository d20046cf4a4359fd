//! The browser's side of the WebSocket: one socket for the page, which connects, backs off and resumes.
//!
//! Lives in the page's only thread; nothing here is called while a page is rendered on the server.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use domain::{JobEvent, JobId, Version};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageEvent, WebSocket};

use super::told;

/// Names one watch, to end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchToken(u64);

/// Calls `heard` with each event of the job newer than `after`, across reconnects, until [`unwatch`].
pub fn watch(id: JobId, after: Version, heard: impl Fn(&JobEvent) + 'static) -> WatchToken {
    let token = with_hub(|hub| {
        hub.tokens += 1;
        hub.watches.push(Watch { token: WatchToken(hub.tokens), id, after, heard: Rc::new(heard) });
        hub.say(&watching(id, after));
        WatchToken(hub.tokens)
    });
    connect();
    token
}

pub fn unwatch(token: WatchToken) {
    with_hub(|hub| {
        let Some(index) = hub.watches.iter().position(|watch| watch.token == token) else { return };
        let id = hub.watches.swap_remove(index).id;
        if !hub.watches.iter().any(|watch| watch.id == id) {
            hub.say(&format!(r#"{{"unwatch":"{id}"}}"#));
        }
    });
}

/// Where to show that the connection is lost and being sought.
pub fn show_reconnecting(signal: RwSignal<bool>) {
    with_hub(|hub| hub.reconnecting = Some(signal));
}

struct Watch {
    token: WatchToken,
    id: JobId,
    after: Version,
    heard: Rc<dyn Fn(&JobEvent)>,
}

#[derive(Default)]
struct Hub {
    tokens: u64,
    watches: Vec<Watch>,
    link: Link,
    /// Connections in a row that ended before a word was heard.
    failures: u32,
    reconnecting: Option<RwSignal<bool>>,
    listens_for_network: bool,
}

#[derive(Default)]
enum Link {
    #[default]
    None,
    Up(Wire),
    /// The next try; dropped handles do not fire.
    Waiting(TimeoutHandle),
}

/// The socket with the closures it calls.
struct Wire {
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut()>,
}

thread_local! {
    static HUB: RefCell<Hub> = RefCell::default();
}

/// No callback of a page may run inside: it could come back here.
fn with_hub<T>(act: impl FnOnce(&mut Hub) -> T) -> T {
    HUB.with_borrow_mut(act)
}

impl Hub {
    fn say(&self, message: &str) {
        // Before the socket is open nothing is lost: opening it tells every watch.
        if let Link::Up(wire) = &self.link
            && wire.socket.ready_state() == WebSocket::OPEN
        {
            let _ = wire.socket.send_with_str(message);
        }
    }

    fn show(&self, lost: bool) {
        if let Some(signal) = self.reconnecting {
            signal.try_set(lost);
        }
    }
}

fn watching(id: JobId, after: Version) -> String {
    format!(r#"{{"watch":"{id}","after":{after}}}"#)
}

fn connect() {
    let idle = with_hub(|hub| matches!(hub.link, Link::None));
    if !idle {
        return;
    }
    listen_for_network();
    let location = window().location();
    let scheme = if location.protocol().as_deref() == Ok("https:") { "wss" } else { "ws" };
    let Ok(host) = location.host() else { return };
    let Ok(socket) = WebSocket::new(&format!("{scheme}://{host}/ws")) else { return };
    let wire = Wire {
        _open: Closure::new(opened),
        _message: Closure::new(heard),
        _close: Closure::new(closed),
        socket,
    };
    wire.socket.set_onopen(Some(wire._open.as_ref().unchecked_ref()));
    wire.socket.set_onmessage(Some(wire._message.as_ref().unchecked_ref()));
    // An error is always followed by a close.
    wire.socket.set_onclose(Some(wire._close.as_ref().unchecked_ref()));
    with_hub(|hub| hub.link = Link::Up(wire));
}

fn opened() {
    with_hub(|hub| {
        for watch in &hub.watches {
            hub.say(&watching(watch.id, watch.after));
        }
        hub.show(false);
    });
}

fn heard(message: MessageEvent) {
    let Some(event) = message.data().as_string().and_then(|text| told::event(&text)) else { return };
    let callbacks: Vec<_> = with_hub(|hub| {
        hub.failures = 0;
        let watches = hub.watches.iter_mut().filter(|watch| watch.id == event.id);
        watches
            .map(|watch| {
                watch.after = watch.after.max(event.version);
                Rc::clone(&watch.heard)
            })
            .collect()
    });
    for callback in callbacks {
        callback(&event);
    }
}

fn closed() {
    // The closure that runs this is owned by the wire: it must outlive its own call.
    let ended = with_hub(|hub| {
        let delay = backoff(hub.failures, js_sys::Math::random());
        hub.failures = hub.failures.saturating_add(1);
        hub.show(!hub.watches.is_empty());
        let next = match set_timeout_with_handle(reconnect, delay) {
            Ok(handle) => Link::Waiting(handle),
            Err(_) => Link::None,
        };
        std::mem::replace(&mut hub.link, next)
    });
    set_timeout(move || drop(ended), Duration::ZERO);
}

fn reconnect() {
    let wanted = with_hub(|hub| {
        if let Link::Waiting(handle) = &hub.link {
            handle.clear();
            hub.link = Link::None;
        }
        !hub.watches.is_empty()
    });
    if wanted {
        connect();
    }
}

/// When the network is back there is nothing to wait for.
fn listen_for_network() {
    let first = with_hub(|hub| !std::mem::replace(&mut hub.listens_for_network, true));
    if first {
        let listener = window_event_listener_untyped("online", |_| {
            if with_hub(|hub| matches!(hub.link, Link::Waiting(_))) {
                reconnect();
            }
        });
        // It stays as long as the page does.
        std::mem::forget(listener);
    }
}

/// Exponential with full jitter, so that browsers do not return all at once when a server comes back:
/// a random moment before 0.5 s, 1 s, 2 s … 30 s. `random` is in 0..1.
pub fn backoff(failures: u32, random: f64) -> Duration {
    let ceiling = (0.5 * 2f64.powi(failures.min(10) as i32)).min(30.0);
    Duration::from_secs_f64(ceiling * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let ceilings = [0, 1, 2, 5, 6, 7, 4_000_000_000].map(|failures| backoff(failures, 1.0).as_millis());
        assert_eq!(ceilings, [500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn waits_are_spread_from_nothing_on() {
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(3, 0.5), Duration::from_secs(2));
    }
}
