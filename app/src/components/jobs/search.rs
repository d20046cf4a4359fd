//! What the list is narrowed down to. A plain form, whose address can be kept.

use domain::JobStatus;
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::Shared;
use crate::api::JobQuery;
use crate::erase::EraseOnServer as _;
use crate::text::start;

#[component]
pub fn SearchForm(shared: Shared) -> impl IntoView {
    let JobQuery { q, status: chosen, .. } = shared.held.with_untracked(|held| held.query.clone());
    let (text, status) = (NodeRef::<html::Input>::new(), NodeRef::<html::Select>::new());
    let options = JobStatus::ALL.map(|status| {
        let selected = chosen == status.as_str();
        view! { <option value=status.as_str() selected=selected>{start::status(status)}</option> }
    });
    let search = move || {
        let (Some(text), Some(status)) = (text.get_untracked(), status.get_untracked()) else { return };
        let q = text.value().trim().to_owned();
        shared.show(JobQuery { q, status: status.value(), cursor: String::new() });
    };
    // Another list may be shown by a link.
    Effect::new(move |before: Option<JobQuery>| {
        let query = shared.held.with(|held| held.query.first_page());
        if before.is_some_and(|before| before != query)
            && let (Some(text), Some(status)) = (text.get_untracked(), status.get_untracked())
        {
            text.set_value(&query.q);
            status.set_value(&query.status);
        }
        query
    });
    view! {
        <form
            class="narrowed"
            role="search"
            method="get"
            action="/"
            on:submit=move |event: SubmitEvent| {
                event.prevent_default();
                search();
            }
        >
            <label class="unseen" for="q">{start::SEARCH_LABEL}</label>
            <input node_ref=text id="q" name="q" type="search" value=q maxlength="200" placeholder=start::SEARCH_LABEL />
            <label class="unseen" for="status">{start::STATUS}</label>
            <select node_ref=status id="status" name="status" on:change=move |_| search()>
                <option value="">{start::ANY_STATUS}</option>
                {options.into_iter().collect_view()}
            </select>
            <button class="button" type="submit">{start::SEARCH}</button>
        </form>
    }
    .erase_on_server()
}
