//! The start page: submit media, see what became of earlier jobs.

use domain::JobView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::Unavailable;
use crate::api::{Choices, DeskError, RECENT, desk};
use crate::components::{RecentJobs, SubmitForm};
use crate::given::Given;
use crate::problem::Problem;

#[component]
pub fn StartPage() -> impl IntoView {
    view! {
        <Title text="" />
        <main id="content" class="start" tabindex="-1">
            <div class="lead">
                <h1>"Subtitles while you watch"</h1>
                <p>"Paste a link or drop a file. The first captions show up while the rest is still being transcribed."</p>
            </div>
            {Suspend::new(async move {
                match read().await {
                    Ok((choices, jobs)) => view! { <Shown choices jobs /> }.into_any(),
                    Err(DeskError) => view! { <Unavailable /> }.into_any(),
                }
            })}
        </main>
    }
}

async fn read() -> Result<(Choices, Vec<JobView>), DeskError> {
    let desk = desk()?;
    let jobs = desk.recent(RECENT).await?;
    Ok((desk.choices(), jobs))
}

#[component]
fn Shown(choices: Choices, jobs: Vec<JobView>) -> impl IntoView {
    // A form that was sent without JavaScript and not taken comes back in the address.
    let query = use_query_map().get_untracked();
    let entered = query.get("url").unwrap_or_default();
    let field = query.get("field").unwrap_or_default();
    let told = query.get("error").map(|code| Problem::told(&code, &field, choices.max_upload_bytes));
    view! {
        <SubmitForm choices=Given(choices) entered told=Given(told) />
        <RecentJobs jobs=Given(jobs) />
    }
}
