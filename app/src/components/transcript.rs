//! The text of all cues, growing while it is heard; follows the player.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use domain::{Cue, JobId, JobStatus};
use leptos::either::Either;
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::player::{cue_at, media_address};
use crate::browser::scroll;
use crate::erase::EraseOnServer as _;
use crate::live::JobState;
use crate::text;

#[component]
pub fn Transcript(
    state: RwSignal<JobState>,
    media: NodeRef<html::Video>,
    position: RwSignal<Option<u64>>,
) -> impl IntoView {
    let id = state.with_untracked(|state| state.job.id);
    let has_media = Memo::new(move |_| state.with(|state| state.job.has_media));
    let frame = NodeRef::<html::Div>::new();
    // Ends when the reader scrolls, so that reading and playing do not fight; a button resumes it.
    let following = RwSignal::new(true);

    let active = Memo::new(move |_| {
        let position = position.get()?;
        let shown = state.with(JobState::shown);
        cue_at(&shown, position).map(|cue| cue.start.0)
    });
    Effect::new(move || {
        let (Some(frame), active, following) = (frame.get(), active.get(), following.get()) else { return };
        let marked = scroll::mark(&frame, active);
        if let Some(marked) = marked.filter(|_| following) {
            scroll::center(&frame, &marked);
        }
    });
    let pages = Memo::new(move |_| state.with(|state| state.pages.len()));
    Effect::new(move |before: Option<usize>| {
        let count = pages.get();
        let grew = before.is_some_and(|before| count > before);
        // Nobody watches yet: the newest words are what is worth seeing.
        if grew && following.get_untracked() && active.get_untracked().is_none() {
            request_animation_frame(move || {
                if let Some(frame) = frame.try_get_untracked().flatten() {
                    scroll::to_end(&frame);
                }
            });
        }
        count
    });

    let seek = move |event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let cue = target.and_then(|target| target.closest("[data-start]").ok().flatten());
        let start =
            cue.and_then(|cue| cue.get_attribute("data-start")).and_then(|start| start.parse::<u64>().ok());
        let (Some(start), Some(media)) = (start, media.get_untracked()) else { return };
        event.prevent_default();
        following.set(true);
        media.set_current_time(start as f64 / 1000.0);
        position.set(Some(start));
    };
    let follow = move |_| {
        following.set(true);
        let marked = frame.get_untracked().and_then(|frame| {
            let marked = frame.query_selector("[aria-current]").ok().flatten();
            marked.map(|marked| (frame, marked))
        });
        match marked {
            Some((frame, marked)) => scroll::center(&frame, &marked),
            None => {
                if let Some(frame) = frame.get_untracked() {
                    scroll::to_end(&frame);
                }
            }
        }
    };
    let scrolled = move || following.set(false);

    view! {
        <section class="transcript" aria-labelledby="transcript">
            <header>
                <h2 id="transcript">"Transcript"</h2>
                {move || {
                    (!following.get())
                        .then(|| view! { <button class="button small" type="button" on:click=follow>"Follow along"</button> })
                }}
            </header>
            <div
                node_ref=frame
                class="frame"
                tabindex="0"
                role="group"
                aria-labelledby="transcript"
                on:wheel=move |_| scrolled()
                on:touchmove=move |_| scrolled()
                on:keydown=move |event| {
                    let scrolls = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "];
                    if scrolls.contains(&event.key().as_str()) {
                        scrolled();
                    }
                }
            >
                <ol class="cues" on:click=seek>
                    <For
                        each=move || state.with(|state| numbered(&state.shown()))
                        key=|(number, page)| (*number, fingerprint(page))
                        let((_, page))
                    >
                        {page.iter().map(|cue| view! { <Line id cue=cue.clone() has_media /> }).collect_view()}
                    </For>
                </ol>
                {move || state.with(waiting).map(|words| view! { <p class="waiting">{words}</p> })}
            </div>
        </section>
    }
    .erase_on_server()
}

/// A link, so that it works without JavaScript: the browser opens the media at this moment.
#[component]
fn Line(id: JobId, cue: Cue, has_media: Memo<bool>) -> impl IntoView {
    let start = cue.start;
    let address =
        move || has_media.get().then(|| format!("{}#t={:.3}", media_address(id), start.as_secs_f64()));
    let piece = |(text, is_doubted): (String, bool)| match is_doubted {
        true => Either::Left(view! { <mark class="doubt" title="Perhaps misheard">{text}</mark> }),
        false => Either::Right(text),
    };
    let words = cue.pieces().into_iter().map(piece).collect_view();
    view! {
        <li>
            <a class="cue" rel="external" href=address data-start=start.0.to_string()>
                <time>{text::clock(start.0)}</time>
                <span>{words}</span>
            </a>
        </li>
    }
    .erase_on_server()
}

fn numbered(pages: &[Arc<Vec<Cue>>]) -> Vec<(usize, Arc<Vec<Cue>>)> {
    pages.iter().cloned().enumerate().collect()
}

/// Tells a page from the one that takes its number after a retry.
fn fingerprint(page: &[Cue]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for cue in page {
        (cue.start, cue.end, &cue.text).hash(&mut hasher);
    }
    hasher.finish()
}

fn waiting(state: &JobState) -> Option<&'static str> {
    let is_empty = state.pages.iter().all(|page| page.is_empty());
    match state.job.status {
        JobStatus::Completed if is_empty => {
            Some("No speech was found in this media, so there is nothing to read.")
        }
        JobStatus::Queued | JobStatus::Running if is_empty => {
            Some("The first words appear here as soon as they are heard.")
        }
        JobStatus::Running => Some("…"),
        _ => None,
    }
}
