//! Requests that tell how much of them is sent, which `fetch` cannot.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{File, ProgressEvent, XmlHttpRequest};

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The server answered with this status and body.
    Came { status: u16, body: String },
    /// No connection, or it broke.
    Lost,
}

/// Asks, or sends JSON, with these headers. `ended` is called once.
pub fn ask(
    method: &str,
    address: &str,
    headers: &[(&str, &str)],
    json: Option<&str>,
    ended: impl FnOnce(Answer) + 'static,
) {
    let Some(request) = open(method, address) else { return ended(Answer::Lost) };
    request.set_timeout(PATIENCE_MS);
    if json.is_some() {
        let _ = request.set_request_header("Content-Type", "application/json");
    }
    for (name, value) in headers {
        let _ = request.set_request_header(name, value);
    }
    listen_for_end(&request, ended);
    let _ = request.send_with_opt_str(json);
}

/// A request that takes longer counts as lost.
const PATIENCE_MS: u32 = 30_000;

/// Sends a file as the body. `progressed` hears the bytes sent; `ended` is called once, unless the returned
/// request is aborted first.
pub fn post_file(
    address: &str,
    file: &File,
    progressed: impl Fn(u64) + 'static,
    ended: impl FnOnce(Answer) + 'static,
) -> Option<XmlHttpRequest> {
    let Some(request) = open("POST", address) else {
        ended(Answer::Lost);
        return None;
    };
    let progressed =
        Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| progressed(event.loaded() as u64));
    if let Ok(upload) = request.upload() {
        upload.set_onprogress(Some(progressed.into_js_value().unchecked_ref()));
    }
    listen_for_end(&request, ended);
    let _ = request.send_with_opt_blob(Some(file));
    Some(request)
}

fn open(method: &str, address: &str) -> Option<XmlHttpRequest> {
    let request = XmlHttpRequest::new().ok()?;
    request.open_with_async(method, address, true).ok()?;
    Some(request)
}

fn listen_for_end(request: &XmlHttpRequest, ended: impl FnOnce(Answer) + 'static) {
    let answered = request.clone();
    let ended = Closure::once_into_js(move || {
        let status = answered.status().unwrap_or(0);
        let body = answered.response_text().ok().flatten().unwrap_or_default();
        ended(if status == 0 { Answer::Lost } else { Answer::Came { status, body } });
    });
    request.set_onloadend(Some(ended.unchecked_ref()));
}
