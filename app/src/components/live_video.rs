//! The page of a job that makes a video with subtitles.

use domain::{JobStatus, JobView, VideoHow};
use leptos::prelude::*;

use super::live_job::{Gone, Refusal, keep_live};
use super::{Facts, Status, media_address};
use crate::api::JobDetail;
use crate::erase::EraseOnServer as _;
use crate::given::Given;
use crate::live::JobState;
use crate::problem::Problem;
use crate::text;
use crate::tr::Text;

const DOWNLOAD: Text = Text("Download the video");
const AGAIN: Text = Text("Make it again");
const ORIGINAL: Text = Text("The transcript it is made of");
/// No browser shows tracks that are inside of a file.
const TRACK_NOTE: Text = Text(
    "The subtitles are a track inside of the file: players such as VLC and mpv show it, and browsers do not.",
);

/// The page of a video: how far it is, then the video itself.
#[island]
pub fn LiveVideo(
    detail: Given<JobDetail>,
    /// Why the last wish was not taken.
    refusal: Given<Option<Problem>>,
    /// Without JavaScript the page reads itself again, unless somebody chooses on it.
    is_held: bool,
) -> impl IntoView {
    let state = RwSignal::new(JobState::from(detail.0));
    let is_gone = keep_live(state);
    let title = state.with_untracked(|state| state.job.title.clone());
    let tab_title = Memo::new(move |_| state.with(|state| text::tab_title(&text::tab_name(&state.job))));
    Effect::new(move || document().set_title(&tab_title.get()));
    let status = Memo::new(move |_| state.with(|state| state.job.status));
    view! {
        <div class="lead">
            <h1>{title}</h1>
            <Facts state />
        </div>
        {move || is_gone.get().then(|| view! { <Gone /> })}
        {refusal.0.map(|refusal| view! { <Refusal refusal /> })}
        <Status state />
        {move || matches!(status.get(), JobStatus::Failed | JobStatus::Cancelled).then(|| view! { <Again state /> })}
        {move || (status.get() == JobStatus::Completed).then(|| view! { <Made state /> })}
        <Original state />
        {move || {
            let is_unfinished = !status.get().is_terminal() && !is_held;
            // Raw on purpose: to a browser that runs scripts this is text, and hydration must not look inside.
            is_unfinished.then(|| view! { <noscript inner_html="<meta http-equiv=\"refresh\" content=\"5\">"></noscript> })
        }}
    }
    .erase_on_server()
}

#[component]
fn Made(state: RwSignal<JobState>) -> impl IntoView {
    let job = state.with_untracked(|state| state.job.clone());
    let address = media_address(job.id);
    let note = is_track(&job).then(|| view! { <p class="note">{TRACK_NOTE}</p> });
    view! {
        <div class="made">
            <div class="player">
                <video controls preload="metadata" playsinline src=address.clone()></video>
            </div>
            {note}
            <p><a class="button primary" rel="external" download href=address>{DOWNLOAD}</a></p>
        </div>
    }
    .erase_on_server()
}

#[component]
fn Again(state: RwSignal<JobState>) -> impl IntoView {
    let id = state.with_untracked(|state| state.job.id);
    view! {
        <form class="retry" method="post" action=format!("/jobs/{id}/retry")>
            <button class="button" type="submit">{AGAIN}</button>
        </form>
    }
    .erase_on_server()
}

#[component]
fn Original(state: RwSignal<JobState>) -> impl IntoView {
    let video = state.with_untracked(|state| state.job.video);
    video.map(|video| {
        let address = format!("/jobs/{}", video.of);
        view! { <p><a rel="external" href=address>{ORIGINAL}</a></p> }
    })
}

fn is_track(job: &JobView) -> bool {
    job.video.is_some_and(|video| video.how == VideoHow::Mux)
}
