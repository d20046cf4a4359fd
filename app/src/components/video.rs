//! The choices of videos with subtitles on the page of a job.

use domain::{JobStatus, VideoHow};
use leptos::prelude::*;

use crate::live::JobState;

const CHOICES: &str = "Video with subtitles";

/// What a button says, short and long.
fn choice(how: VideoHow) -> (&'static str, &'static str) {
    match how {
        VideoHow::Mux => ("Track", "As a track, which players can switch off"),
        VideoHow::Burn => ("Drawn", "Drawn into the picture, for players that know no tracks"),
    }
}

/// A plain form, which needs no JavaScript: it leads to the page of the video.
#[component]
pub fn VideoChoices(state: RwSignal<JobState>) -> impl IntoView {
    let id = state.with_untracked(|state| state.job.id);
    let is_complete = Memo::new(move |_| state.with(|state| state.job.status == JobStatus::Completed));
    let buttons = VideoHow::ALL.map(|how| {
        let (name, about) = choice(how);
        view! {
            <li>
                <button class="button" type="submit" name="how" value=how.as_str()>
                    <strong>{name}</strong>
                    <span>{about}</span>
                </button>
            </li>
        }
    });
    let buttons = StoredValue::new(buttons.into_iter().collect_view());
    move || {
        is_complete.get().then(|| {
            view! {
                <form method="post" action=format!("/jobs/{id}/video")>
                    <h3>{CHOICES}</h3>
                    <ul>{buttons.get_value()}</ul>
                </form>
            }
        })
    }
}
