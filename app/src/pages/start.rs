//! The start page: submit something, and see what was submitted.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{Assets, Unavailable, WakeUp};
use crate::api::{Choices, DeskError, JobQuery, JobRows, desk};
use crate::components::{Jobs, SubmitForm};
use crate::given::Given;
use crate::problem::{Field, Problem};
use crate::text::start;

#[component]
pub fn StartPage() -> impl IntoView {
    let asked = use_query_map().get_untracked();
    let text = move |name: &str| asked.get(name).unwrap_or_default();
    let query = JobQuery::read(&text);
    view! {
        <Title text="" />
        <main id="content" class="start" tabindex="-1">
            <div class="lead">
                <h1>{start::HEADLINE}</h1>
                <p>{start::LEAD}</p>
            </div>
            {Suspend::new(async move {
                match read(&query).await {
                    // Without the list there is still the form.
                    Ok((choices, listed)) => view! { <Shown text choices listed query /> }.into_any(),
                    Err(DeskError) => view! { <Unavailable /> }.into_any(),
                }
            })}
        </main>
    }
}

async fn read(query: &JobQuery) -> Result<(Choices, Result<JobRows, DeskError>), DeskError> {
    let desk = desk()?;
    let listed = desk.list(query).await;
    Ok((desk.choices(), listed))
}

/// `text`: what the address says under a name.
#[component]
fn Shown<F: Fn(&str) -> String + Send + 'static>(
    text: F,
    choices: Choices,
    listed: Result<JobRows, DeskError>,
    query: JobQuery,
) -> impl IntoView {
    // What became of a form that was sent without JavaScript.
    let error = Some(text("error")).filter(|code| !code.is_empty());
    let told = error.map(|code| Problem::told(&code, &text("field"), choices.max_upload_bytes));
    let (of_list, of_form) = match told {
        Some(told) if told.field == Field::List => (Some(told), None),
        told => (None, told),
    };
    let accepted = text("accepted").parse().unwrap_or_default();
    let part = expect_context::<Assets>().start;
    view! {
        <WakeUp part />
        <SubmitForm choices=Given(choices) entered=text("url") accepted told=Given(of_form) />
        {match listed {
            Ok(first) => view! { <Jobs first=Given(first) query=Given(query) told=Given(of_list) /> }.into_any(),
            Err(DeskError) => view! { <Unavailable /> }.into_any(),
        }}
    }
}
