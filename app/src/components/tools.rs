//! What can be done with a job: download, retry, cancel, delete. Plain forms, which need no JavaScript.

use domain::JobStatus;
use domain::format::Format;
use leptos::prelude::*;

use super::{LanguageSelect, ModelSelect, TaskSelect, VideoChoices};
use crate::api::Choices;
use crate::erase::EraseOnServer as _;
use crate::live::JobState;

#[component]
pub fn Downloads(state: RwSignal<JobState>) -> impl IntoView {
    let id = state.with_untracked(|state| state.job.id);
    let is_unfinished = Memo::new(move |_| state.with(|state| !state.job.status.is_terminal()));
    let links = Format::ALL.map(|format| {
        let (extension, name, about) = match format {
            Format::Srt => ("srt", "SRT", "SubRip, for most players"),
            Format::Ttml => ("ttml", "TTML", "TTML (IMSC), for broadcasters"),
            Format::Ass => ("ass", "ASS", "ASS, for styled subtitles"),
            Format::Txt => ("txt", "TXT", "Plain text, to read"),
            Format::Json => ("json", "JSON", "JSON, for programs"),
            Format::WebVtt => ("vtt", "VTT", "WebVTT, for the web"),
        };
        view! {
            <li>
                <a class="button" rel="external" download href=format!("/api/v1/jobs/{id}/track.{extension}?download=1")>
                    <strong>{name}</strong>
                    <span>{about}</span>
                </a>
            </li>
        }
    });
    view! {
        <section class="downloads" aria-labelledby="downloads">
            <h2 id="downloads">"Download"</h2>
            <ul>{links.into_iter().collect_view()}</ul>
            {move || {
                is_unfinished.get().then(|| view! { <p class="note">"So far: the rest is still being transcribed."</p> })
            }}
            <VideoChoices state />
        </section>
    }
    .erase_on_server()
}

/// For a job that ended: once more, perhaps with other choices. What it holds now is lost.
#[component]
pub fn RetryForm(state: RwSignal<JobState>, choices: Choices) -> impl IntoView {
    let job = state.with_untracked(|state| state.job.clone());
    let failed = job.status == JobStatus::Failed;
    view! {
        <form class="retry" method="post" action=format!("/jobs/{}/retry", job.id)>
            <div class="options">
                <div class="field">
                    <label for="retry-language">"Language"</label>
                    <LanguageSelect id="retry-language" chosen=job.language.unwrap_or_default() />
                </div>
                <div class="field">
                    <label for="retry-model">"Model"</label>
                    <ModelSelect id="retry-model" models=choices.models chosen=job.model.unwrap_or_default() />
                </div>
                <div class="field">
                    <label for="retry-task">"Task"</label>
                    <TaskSelect id="retry-task" chosen=job.task />
                </div>
            </div>
            <button class="button" class:primary=failed type="submit">"Retry"</button>
        </form>
    }
    .erase_on_server()
}

/// Cancel while it is unfinished; delete at any time, after a second thought.
#[component]
pub fn Removal(state: RwSignal<JobState>) -> impl IntoView {
    let id = state.with_untracked(|state| state.job.id);
    let is_unfinished = Memo::new(move |_| state.with(|state| !state.job.status.is_terminal()));
    let expires = state.with_untracked(|state| crate::text::moment(state.job.expires_at));
    view! {
        <div class="removal">
            {move || {
                is_unfinished
                    .get()
                    .then(|| {
                        view! {
                            <form method="post" action=format!("/jobs/{id}/cancel")>
                                <button class="button" type="submit">"Cancel"</button>
                            </form>
                        }
                    })
            }}
            <details class="confirm">
                <summary class="button">"Delete …"</summary>
                <form method="post" action=format!("/jobs/{id}/delete")>
                    <p>"The media, the subtitles and this page go, and do not come back."</p>
                    <button class="button danger" type="submit">"Delete for good"</button>
                </form>
            </details>
            <p class="note">"Kept until " {expires} "."</p>
        </div>
    }
    .erase_on_server()
}
