//! One job, as the server renders it.

use domain::JobId;
use leptos::either::Either;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::keys::Help;
use super::{Assets, NotFound, Unavailable, WakeUp};
use crate::api::{Choices, DeskError, JobDetail, desk};
use crate::components::{Again, Downloads, LiveJob, LiveVideo, Removal};
use crate::given::Given;
use crate::problem::Problem;
use crate::share::Sharing;
use crate::text;

#[component]
pub fn JobPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    Suspend::new(async move {
        match read(id).await {
            Ok(Some((detail, choices))) => view! { <Shown detail choices /> }.into_any(),
            Ok(None) => view! { <NotFound /> }.into_any(),
            Err(DeskError) => view! { <main id="content" tabindex="-1"><Unavailable /></main> }.into_any(),
        }
    })
}

async fn read(id: Option<JobId>) -> Result<Option<(JobDetail, Choices)>, DeskError> {
    let Some(id) = id else { return Ok(None) };
    let desk = desk()?;
    let detail = desk.job(id).await?;
    Ok(detail.map(|detail| (detail, desk.choices())))
}

#[component]
fn Shown(detail: JobDetail, choices: Choices) -> impl IntoView {
    let query = use_query_map().get_untracked();
    // A retry, cancel or delete that was not taken leaves its code in the address.
    let refusal = query.get("error").map(|code| Problem::told(&code, "form", 0));
    // Without JavaScript: nobody can choose on a page that is read again meanwhile.
    let is_held = query.get("hold").is_some();
    // A found line leads to its moment.
    let start_ms: Option<u64> = query.get("t").and_then(|start| start.parse().ok());
    // What changes cues is in a file of its own: most visitors only watch.
    let is_editing = query.get("edit").is_some() && detail.job.video.is_none();
    let Assets { job, editor, .. } = expect_context();
    let part = if is_editing { editor } else { job };
    let job = detail.job.clone();
    let (id, is_video) = (job.id, job.video.is_some());
    let files = (!is_video).then(|| {
        let (choices, job) = (choices.clone(), job.clone());
        view! {
            <Downloads job=job.clone() />
            <Again job choices />
        }
    });
    view! {
        <Title text=text::tab_name(&detail.job) />
        <WakeUp part />
        <main id="content" class="job" tabindex="-1">
            {match detail.job.video {
                Some(_) => Either::Left(view! { <LiveVideo detail=Given(detail) refusal=Given(refusal) is_held /> }),
                None => {
                    let (detail, choices, refusal) = (Given(detail), Given(choices), Given(refusal));
                    Either::Right(view! { <LiveJob detail choices refusal is_held start_ms is_editing /> })
                }
            }}
            {files}
            <Sharing job=id />
            <Removal job />
        </main>
        <Help is_editing />
    }
}
