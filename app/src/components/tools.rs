//! What can be done with a job: download, retry, cancel, delete. Plain forms, which need no JavaScript, and are not in the
//! WASM: the style shows those that fit how the job is doing (`data-status`).

use domain::format::Format;
use domain::{JobId, JobStatus, JobView, VideoHow};
use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::{LanguageSelect, ModelSelect, ProfileSelect, TaskSelect};
use crate::api::Choices;
use crate::text;
use crate::tr::tr;

/// The name of a format, and what it is for.
fn words(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Srt => ("SRT", tr!("SubRip, for most players")),
        Format::Ttml => ("TTML", tr!("TTML (IMSC), for broadcasters")),
        Format::Ass => ("ASS", tr!("ASS, for styled subtitles")),
        Format::Txt => ("TXT", tr!("Plain text, to read")),
        Format::Json => ("JSON", tr!("JSON, for programs")),
        Format::WebVtt => ("VTT", tr!("WebVTT, for the web")),
    }
}

/// Files of the subtitles, as they are or changed, and videos that have them.
#[component]
pub fn Downloads(job: JobView) -> impl IntoView {
    let address = move |format: Format| format!("/api/v1/jobs/{}/track.{}", job.id, format.extension());
    let links = Format::ALL.map(|format| {
        let (name, about) = words(format);
        view! {
            <li>
                <a class="button" rel="external" download href=format!("{}?download=1", address(format))>
                    <strong>{name}</strong>
                    <span>{about}</span>
                </a>
            </li>
        }
    });
    view! {
        <section class="downloads" aria-labelledby="downloads">
            <header>
                <h2 id="downloads">{tr!("Download")}</h2>
                <p class="note so-far">{tr!("So far: the rest is still being transcribed.")}</p>
                // Shown by its script: without one it could do nothing.
                <button
                    class="button small"
                    type="button"
                    hidden
                    data-copy=address(Format::Txt)
                    data-copied=tr!("Copied.")
                    data-failed=tr!("It could not be copied. Download it as plain text instead.")
                >
                    {tr!("Copy the text")}
                </button>
                <p class="note copied" role="status"></p>
            </header>
            <ul>{links.into_iter().collect_view()}</ul>
            <details>
                <summary>{tr!("Other layout or times, or a video with subtitles")}</summary>
                <Adapted job />
            </details>
        </section>
        <script type="module" nonce=use_nonce() inner_html=include_str!("tools/copy.js")></script>
    }
    .into_any()
}

/// In another layout, earlier or later; buttons say as what.
#[component]
fn Adapted(job: JobView) -> impl IntoView {
    let JobView { id, profile, .. } = job;
    let files = Format::ALL.map(|format| {
        let action = format!("/api/v1/jobs/{id}/track.{}", format.extension());
        view! { <button class="button" type="submit" formaction=action>{words(format).0}</button> }
    });
    let videos = VideoHow::ALL.map(|how| {
        let (name, about) = match how {
            VideoHow::Mux => (tr!("Track"), tr!("As a track, which players can switch off")),
            VideoHow::Burn => (tr!("Drawn"), tr!("Drawn into the picture, for players that know no tracks")),
        };
        view! {
            <button
                class="button"
                type="submit"
                formaction=format!("/jobs/{id}/video")
                formmethod="post"
                name="how"
                value=how.as_str()
                title=about
            >
                {name}
            </button>
        }
    });
    view! {
        <form method="get" action=format!("/api/v1/jobs/{id}/track.srt")>
            <input type="hidden" name="download" value="1" />
            <div class="field">
                <label for="download-profile">{tr!("Layout of the subtitles")}</label>
                <ProfileSelect id="download-profile" chosen=profile />
            </div>
            <div class="field">
                <label for="download-offset">{tr!("Later by milliseconds; less than 0 is earlier")}</label>
                <input id="download-offset" name="offset_ms" type="number" step="1" min="-86400000" max="86400000" placeholder="0" />
            </div>
            <fieldset>
                <legend>{tr!("As a file")}</legend>
                {files.into_iter().collect_view()}
            </fieldset>
            <fieldset class="videos">
                <legend>{tr!("In the video")}</legend>
                {videos.into_iter().collect_view()}
            </fieldset>
        </form>
    }
    .into_any()
}

/// Once more, perhaps with other choices; what the job holds now is lost. For one that failed it stands open.
#[component]
pub fn Again(job: JobView, choices: Choices) -> impl IntoView {
    let is_empty = job.status == JobStatus::Completed && job.cues == 0;
    view! {
        <section class="ended-badly" id="again" aria-label=tr!("Retry")>
            <RetryForm id="retry" job=job.clone() models=choices.models.clone() is_primary=true />
        </section>
        <details class="again ended-well" open=is_empty>
            <summary>{tr!("Transcribe again")}</summary>
            <RetryForm id="again" job models=choices.models is_primary=false />
        </details>
    }
    .into_any()
}

/// `id` is what those of its fields begin with.
#[component]
fn RetryForm(id: &'static str, job: JobView, models: Vec<String>, is_primary: bool) -> impl IntoView {
    let [language, model, task] = match id {
        "retry" => ["retry-language", "retry-model", "retry-task"],
        _ => ["again-language", "again-model", "again-task"],
    };
    view! {
        <form class="retry" method="post" action=format!("/jobs/{}/retry", job.id)>
            <div class="options">
                <div class="field">
                    <label for=language>{tr!("Language")}</label>
                    <LanguageSelect id=language chosen=job.language.unwrap_or_default() />
                </div>
                <div class="field">
                    <label for=model>{tr!("Model")}</label>
                    <ModelSelect id=model models chosen=job.model.unwrap_or_default() />
                </div>
                <div class="field">
                    <label for=task>{tr!("Task")}</label>
                    <TaskSelect id=task chosen=job.task />
                </div>
            </div>
            <button class="button" class:primary=is_primary type="submit">{tr!("Retry")}</button>
        </form>
    }
    .into_any()
}

/// Cancel while it is unfinished; delete at any time, after a second thought.
#[component]
pub fn Removal(job: JobView) -> impl IntoView {
    let id: JobId = job.id;
    view! {
        <div class="removal">
            <form class="unfinished" method="post" action=format!("/jobs/{id}/cancel")>
                <button class="button" type="submit">{tr!("Cancel")}</button>
            </form>
            <details class="confirm">
                <summary class="button">{tr!("Delete …")}</summary>
                <form method="post" action=format!("/jobs/{id}/delete")>
                    <p>{tr!("The media, the subtitles and this page go, and do not come back.")}</p>
                    <button class="button danger" type="submit">{tr!("Delete for good")}</button>
                </form>
            </details>
            <p class="note">{tr!("Kept until {0}.", text::moment(job.expires_at))}</p>
        </div>
    }
    .into_any()
}
