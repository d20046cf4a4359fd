//! The start page: submit media, see what became of earlier jobs.

use leptos::prelude::*;
use leptos_meta::Title;

use super::Unavailable;
use crate::api::{get_choices, list_jobs};
use crate::components::{RecentJobs, SubmitForm};

#[component]
pub fn StartPage() -> impl IntoView {
    let choices = Resource::new(|| (), |()| get_choices());
    let jobs = Resource::new(|| (), |()| list_jobs());
    view! {
        <Title text="" />
        <main id="content" class="start" tabindex="-1">
            <div class="lead">
                <h1>"Subtitles while you watch"</h1>
                <p>"Paste a link or drop a file. The first captions show up while the rest is still being transcribed."</p>
            </div>
            <Suspense>
                {move || Suspend::new(async move {
                    match (choices.await, jobs.await) {
                        (Ok(choices), Ok(jobs)) => {
                            view! {
                                <SubmitForm choices />
                                <RecentJobs jobs />
                            }
                                .into_any()
                        }
                        _ => view! { <Unavailable /> }.into_any(),
                    }
                })}
            </Suspense>
        </main>
    }
    .into_any()
}
