//! Where a file is chosen or dropped; and the rest of the page, which takes drops as well.

use leptos::html;
use leptos::prelude::*;

use super::complaint::{Complaint, about};
use crate::erase::EraseOnServer as _;
use crate::problem::{Field, Problem};
use crate::text::start;

/// The plain file field fills the zone: choosing and dropping work without a script.
#[component]
pub fn DropZone<F: Fn() + 'static>(
    file: NodeRef<html::Input>,
    max_upload_bytes: u64,
    problem: RwSignal<Option<Problem>>,
    on_chosen: F,
) -> impl IntoView {
    let about_file = about(problem, Field::File);
    view! {
        <div class="field drop">
            <label for="file">{start::FILE}</label>
            <div class="zone">
                <svg viewBox="0 0 24 24" width="36" height="36" aria-hidden="true" focusable="false">
                    <path d="M12 16V4m0 0L7 9m5-5 5 5M4 16v2.500A1.500 1.500 0 0 0 5.500 20h13a1.500 1.500 0 0 0 1.500-1.500V16" />
                </svg>
                <p id="file-about">
                    <strong>{start::DROP}</strong>
                    <span>{start::up_to(max_upload_bytes)}</span>
                </p>
                <input
                    node_ref=file
                    id="file"
                    name="file"
                    type="file"
                    multiple
                    accept="video/*,audio/*,.mkv,.mka,.opus,.flac,.m4b,.caf"
                    aria-invalid=move || about_file.with(Option::is_some).then_some("true")
                    aria-describedby=move || {
                        about_file.get().map_or("file-about".into(), |problem| format!("file-about {problem}"))
                    }
                    on:change=move |_| on_chosen()
                />
            </div>
            <Complaint problem field=Field::File />
        </div>
    }
    .erase_on_server()
}

/// Takes files and links that are dropped anywhere on the page. True while something is dragged over it.
pub fn drop_anywhere(
    file: NodeRef<html::Input>,
    url: NodeRef<html::Textarea>,
    problem: RwSignal<Option<Problem>>,
) -> RwSignal<bool> {
    let dragging = RwSignal::new(false);
    Effect::new(move || {
        let over = window_event_listener(leptos::ev::dragover, move |event| {
            // Without this the browser would leave the page and show the file.
            event.prevent_default();
            dragging.set(true);
        });
        let left = window_event_listener(leptos::ev::dragleave, move |event| {
            // Leaving one element for another tells where to; leaving the window does not.
            if event.related_target().is_none() {
                dragging.set(false);
            }
        });
        let dropped = window_event_listener(leptos::ev::drop, move |event| {
            event.prevent_default();
            dragging.set(false);
            let (Some(data), Some(file), Some(url)) =
                (event.data_transfer(), file.get_untracked(), url.get_untracked())
            else {
                return;
            };
            if file.matches(":disabled").unwrap_or(false) {
                return;
            }
            problem.set(None);
            match data.files().filter(|files| files.length() > 0) {
                Some(files) => {
                    file.set_files(Some(&files));
                    let _ = file.focus();
                }
                None => {
                    // Lines that begin with # are remarks (RFC 2483).
                    let list = data.get_data("text/uri-list").unwrap_or_default();
                    let dropped = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
                    let entered = url.value();
                    let links: Vec<&str> = entered.lines().chain(dropped).collect();
                    url.set_value(&links.join("\n"));
                    let _ = url.focus();
                }
            }
        });
        on_cleanup(move || {
            over.remove();
            left.remove();
            dropped.remove();
        });
    });
    dragging
}
