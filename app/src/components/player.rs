//! The media with its subtitles.

use domain::JobId;
use leptos::html;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::HtmlMediaElement;

use super::strip::Strip;
use crate::browser::subtitles::Subtitles;
use crate::editor::Rows;
use crate::erase::EraseOnServer as _;
use crate::live::JobState;
use crate::text;
use crate::tr::tr;

/// A `<video>` plays sound as well; when there is no picture it becomes a strip that shows the captions.
#[component]
pub fn Player(
    state: RwSignal<JobState>,
    rows: Memo<Rows>,
    media: NodeRef<html::Video>,
    /// Milliseconds into the media, as it plays or is sought; `None` before it did either.
    position: RwSignal<Option<u64>>,
) -> impl IntoView {
    let (id, language) = state.with_untracked(|state| (state.job.id, subtitle_language(state)));
    let (is_audio, is_unplayable) = (RwSignal::new(false), RwSignal::new(false));

    // The browser goes there by itself, with a script or without.
    let begin = match position.get_untracked() {
        Some(start) => media_at(id, start),
        None => media_address(id),
    };

    let look = move || {
        let Some(media) = media.get_untracked() else { return };
        is_audio.set(media.ready_state() >= HtmlMediaElement::HAVE_METADATA && media.video_width() == 0);
        is_unplayable.set(media.error().is_some());
    };
    let moved = move || {
        if let Some(media) = media.get_untracked() {
            position.set(Some((media.current_time() * 1000.0) as u64));
        }
    };

    let subtitles = StoredValue::new(None::<SendWrapper<Subtitles>>);
    Effect::new(move || {
        let Some(video) = media.get() else { return };
        // It may have loaded, or failed, before this page woke up.
        look();
        let element: &HtmlMediaElement = video.unchecked_ref();
        let mut replaced = Subtitles::replace_file(element, &state.with_untracked(subtitle_language));
        state.with_untracked(|state| replaced.show(&state.shown()));
        subtitles.set_value(Some(SendWrapper::new(replaced)));
    });
    Effect::new(move || {
        // Most events change no cue.
        rows.track();
        subtitles.update_value(|subtitles| {
            if let Some(subtitles) = subtitles {
                subtitles.show(&state.with_untracked(JobState::shown));
            }
        });
    });

    // Beside the job's own track, for the player's menu. Its file is read once, so it must be whole.
    let companion = state.with_untracked(|state| state.companion.clone());
    let companion = companion.filter(|other| other.status == domain::JobStatus::Completed).map(|other| {
        let (label, language) = match other.task {
            domain::Task::Translate => (tr!("In English"), "en".to_owned()),
            domain::Task::Transcribe => (tr!("As spoken"), other.language.unwrap_or_else(|| "und".into())),
        };
        let file = format!("/api/v1/jobs/{}/track.vtt", other.id);
        view! { <track kind="subtitles" label=label srclang=language src=file /> }
    });

    view! {
        <div class="player" class:audio=is_audio>
            <video
                node_ref=media
                controls
                preload="metadata"
                playsinline
                src=begin
                on:loadedmetadata=move |_| look()
                on:error=move |_| look()
                on:timeupdate=move |_| moved()
                on:seeked=move |_| moved()
            >
                <track
                    kind="subtitles"
                    label=tr!("Subtitles")
                    srclang=language
                    src=format!("/api/v1/jobs/{id}/track.vtt")
                    default
                />
                {companion}
            </video>
            <Strip state rows media position />
            {move || is_audio.get().then(|| view! { <Spoken rows position /> })}
            {move || {
                is_unplayable
                    .get()
                    .then(|| {
                        view! {
                            <p class="note" role="status">
                                {tr!("This browser cannot play this media. Its transcript and the downloads work all the same.")}
                            </p>
                        }
                    })
            }}
        </div>
    }
    .erase_on_server()
}

/// The caption of this moment in letters that can be read: the browser sizes its own by the height of the picture,
/// of which sound has none, and puts them behind its controls. To a screen reader the transcript says the same.
#[component]
fn Spoken(rows: Memo<Rows>, position: RwSignal<Option<u64>>) -> impl IntoView {
    let spoken = Memo::new(move |_| {
        let position = position.get()?;
        rows.with(|rows| {
            let cue = &rows.get(rows.at(position)?)?.cue;
            (position < cue.end.0).then(|| cue.text.clone())
        })
    });
    view! { <p class="spoken" aria-hidden="true">{move || spoken.get()}</p> }
}

/// The media from this moment on, in milliseconds.
pub fn media_at(id: JobId, start: u64) -> String {
    format!("{}#t={}.{:03}", media_address(id), start / 1000, start % 1000)
}

pub fn media_address(id: JobId) -> String {
    format!("/api/v1/jobs/{id}/media")
}

fn subtitle_language(state: &JobState) -> String {
    match state.job.task {
        domain::Task::Translate => "en".into(),
        domain::Task::Transcribe => state.job.language.clone().unwrap_or_else(|| "und".into()),
    }
}

/// A place for the player while there is nothing to play yet.
#[component]
pub fn NoPlayer(state: RwSignal<JobState>) -> impl IntoView {
    let words = move || {
        let is_terminal = state.with(|state| state.job.status.is_terminal());
        if is_terminal {
            tr!("The media is not here.")
        } else {
            tr!("The player appears when the media is fetched.")
        }
    };
    let length = move || state.with(|state| state.job.duration_ms).map(text::clock);
    view! { <div class="player none"><p>{words} " " {length}</p></div> }
}
