//! The start page: submit media, see what became of earlier jobs.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::Unavailable;
use crate::api::{JobQuery, get_choices, list_jobs};
use crate::components::{Jobs, SubmitForm, Told};
use crate::text::start;

#[component]
pub fn StartPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        let text = |name: &str| query.with(|query| query.get(name)).unwrap_or_default();
        JobQuery { q: text("q"), status: text("status"), cursor: text("cursor") }
    });
    let told = query.with_untracked(|query| {
        let text = |name: &str| query.get(name).unwrap_or_default();
        let accepted = text("accepted").parse().unwrap_or_default();
        Told { error: text("error"), field: text("field"), links: text("url"), accepted }
    });
    let told = StoredValue::new(told);
    let choices = Resource::new(|| (), |()| get_choices());
    let jobs =
        Resource::new(move || wanted.get(), |JobQuery { q, status, cursor }| list_jobs(q, status, cursor));
    view! {
        <Title text="" />
        <main id="content" class="start" tabindex="-1">
            <div class="lead">
                <h1>{start::HEADLINE}</h1>
                <p>{start::LEAD}</p>
            </div>
            // Apart from the list: another search leaves the form, and what is on its way, alone.
            <Suspense>
                {move || Suspend::new(async move {
                    choices.await.ok().map(|choices| view! { <SubmitForm choices told=told.get_value() /> })
                })}
            </Suspense>
            <Suspense>
                {move || Suspend::new(async move {
                    match jobs.await {
                        Ok(first) => {
                            view! { <Jobs first query=wanted.get_untracked() told=told.get_value() /> }.into_any()
                        }
                        Err(_) => view! { <Unavailable /> }.into_any(),
                    }
                })}
            </Suspense>
        </main>
    }
    .into_any()
}
