//! Jobs that are picked, and what is done with all of them.

use domain::JobId;
use domain::format::Format;
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;

use super::Shared;
use crate::browser::request::{Answer, ask};
use crate::erase::EraseOnServer as _;
use crate::text::start;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picked(Vec<JobId>);

impl Picked {
    pub fn has(&self, id: JobId) -> bool {
        self.0.contains(&id)
    }

    pub fn set(&mut self, id: JobId, is_picked: bool) {
        self.0.retain(|picked| *picked != id);
        if is_picked {
            self.0.push(id);
        }
    }
}

#[component]
pub fn Toolbar(shared: Shared, is_empty: Memo<bool>) -> impl IntoView {
    // Without a script nobody knows what is picked: then the buttons are there, and the server says so.
    let is_awake = RwSignal::new(false);
    Effect::new(move || is_awake.set(true));
    let shown = move || shared.held.with(|held| held.rows.iter().map(|row| row.job.id).collect::<Vec<_>>());
    // What left the list is not picked any more.
    let picked = Memo::new(move |_| {
        shared.picked.with(|picked| shown().into_iter().filter(|id| picked.has(*id)).collect::<Vec<_>>())
    });
    let count = Memo::new(move |_| picked.with(Vec::len));
    let is_all = Memo::new(move |_| count.get() > 0 && count.get() == shown().len());
    let is_useless = move || is_awake.get() && count.get() == 0;
    let toggle = move |_| {
        let all = if is_all.get_untracked() { Vec::new() } else { untrack(shown) };
        shared.picked.set(Picked(all));
    };
    let confirm = NodeRef::<html::Details>::new();
    let delete = move |event: MouseEvent| {
        event.prevent_default();
        let ids = picked.get_untracked();
        if ids.is_empty() {
            return;
        }
        if let Some(confirm) = confirm.get_untracked() {
            let _ = confirm.remove_attribute("open");
        }
        let named = ids.iter().map(JobId::to_string).collect::<Vec<_>>().join(",");
        shared.problem.set(None);
        let address = format!("/api/pages/jobs/delete?ids={named}");
        ask("POST", &address, &[], None, move |answer| {
            match answer {
                Answer::Came { status: 200..=299, .. } => {
                    shared.held.try_update(|held| held.remove(&ids));
                }
                _ => shared.complain(start::NOT_DELETED),
            }
            shared.read_soon();
        });
    };
    // A page without a script leads back to what it showed.
    let query = shared.held.with_untracked(|held| held.query.clone());
    view! {
        <div class="bulk" hidden=move || is_empty.get()>
            <input type="hidden" name="q" value=query.q />
            <input type="hidden" name="status" value=query.status />
            {move || {
                is_awake
                    .get()
                    .then(|| {
                        view! {
                            <label class="all">
                                <input type="checkbox" prop:checked=move || is_all.get() on:change=toggle />
                                {start::SELECT_ALL}
                            </label>
                            <span class="count" role="status">
                                {move || Some(count.get()).filter(|count| *count > 0).map(start::selected)}
                            </span>
                        }
                    })
            }}
            <span class="deeds">
                <label class="unseen" for="format">{start::FORMAT}</label>
                <select id="format" name="format">
                    {Format::ALL
                        .map(|format| {
                            let extension = format.extension();
                            let selected = format == Format::Srt;
                            view! { <option value=extension selected=selected>{extension.to_uppercase()}</option> }
                        })
                        .into_iter()
                        .collect_view()}
                </select>
                <button class="button small" type="submit" disabled=is_useless>{start::DOWNLOAD}</button>
            </span>
            <details class="confirm" node_ref=confirm>
                <summary class="button small">{start::DELETE}</summary>
                <div>
                    <p>{start::DELETE_WARNING}</p>
                    <button
                        class="button danger"
                        type="submit"
                        formaction="/jobs/delete"
                        formmethod="post"
                        disabled=is_useless
                        on:click=delete
                    >
                        {start::DELETE_FOR_GOOD}
                    </button>
                </div>
            </details>
        </div>
    }
    .erase_on_server()
}
