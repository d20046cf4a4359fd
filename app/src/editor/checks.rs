//! Whether the cues keep to a house style: what is wrong beside each, all in numbers, and what can be fixed at once.

use domain::Profile;
use domain::conformity::{self, Fault};
use leptos::prelude::*;

use super::bar::tool;
use super::rows::{Key, Rows};
use super::{Editor, HAS_TOOLS, words};
use crate::erase::EraseOnServer as _;

/// The faults of each cue that is shown; nothing while no profile is chosen.
pub fn faults(rows: &Rows, profile: Option<Profile>) -> Vec<Vec<Fault>> {
    let Some(profile) = profile.filter(|_| HAS_TOOLS) else { return Vec::new() };
    let cues: Vec<_> = rows.cues.iter().map(|shown| shown.cue.clone()).collect();
    conformity::check(&cues, profile)
}

#[component]
pub fn Checks(editor: Editor) -> impl IntoView {
    let chosen = move |event| {
        editor.profile.set(Profile::parse(&event_target_value(&event)));
    };
    let options = Profile::ALL.map(|profile| {
        let is_chosen = move || editor.profile.get() == Some(profile);
        view! { <option value=profile.as_str() selected=is_chosen>{words::profile(profile)}</option> }
    });
    view! {
        <label class="checks">
            <span class="unseen">{words::CHECK}</span>
            <select class="tool" title=words::CHECK on:change=chosen>
                <option value="" selected=move || editor.profile.get().is_none()>{words::NO_CHECKS}</option>
                {options.into_iter().collect_view()}
            </select>
        </label>
    }
    .erase_on_server()
}

/// How much is wrong, and what to do about it.
#[component]
pub fn Summary(editor: Editor, profile: Profile) -> impl IntoView {
    let id = editor.state.with_untracked(|state| state.job.id);
    let report = format!("/api/v1/jobs/{id}/conformity?profile={}&format=csv&download=1", profile.as_str());
    let told = move || {
        editor.faults.with(|faults| {
            let faulty = faults.iter().filter(|faults| !faults.is_empty()).count();
            words::problems(faults.iter().map(Vec::len).sum(), faulty)
        })
    };
    view! {
        <div class="summary">
            <p role="status">{told}</p>
            {tool("next-problem", words::NEXT_PROBLEM, words::NEXT_PROBLEM_KEYS)}
            {tool("fix-all", words::FIX, words::FIX_HINT)}
            <a class="tool" rel="external" download href=report>{words::REPORT}</a>
        </div>
    }
    .erase_on_server()
}

/// What is wrong with one cue.
#[component]
pub fn Faults(editor: Editor, key: Key) -> impl IntoView {
    let faults = move || {
        editor.faults.with(|faults| {
            let at = (!faults.is_empty()).then(|| editor.rows.with(|rows| rows.place(key))).flatten();
            at.and_then(|at| faults.get(at).cloned()).unwrap_or_default()
        })
    };
    move || {
        let faults = faults();
        (!faults.is_empty()).then(|| {
            let told = faults.into_iter().map(|fault| view! { <li>{words::fault(fault)}</li> });
            view! { <ul class="faults">{told.collect_view()}</ul> }
        })
    }
}

impl Editor {
    pub fn fix_all(self) {
        self.commit(false);
        let Some(profile) = self.profile.get_untracked() else { return };
        let changes = self.rows.with_untracked(|rows| conformity::fix(&rows.cues, profile));
        let news = if self.make(changes) { words::FIXED } else { words::NOT_FIXED };
        self.news.set(news.get());
    }

    /// To the next cue with a fault behind the one where the keyboard is, or else the first of all.
    pub fn to_problem(self) -> bool {
        let rows = self.rows.get_untracked();
        let at = self.cursor.get_untracked().and_then(|key| rows.place(key));
        let next = self.faults.with_untracked(|faults| {
            let is_faulty = |at: &usize| faults.get(*at).is_some_and(|faults| !faults.is_empty());
            let behind = at.map_or(0, |at| at + 1);
            (behind..faults.len()).find(is_faulty).or_else(|| (0..faults.len()).find(is_faulty))
        });
        let Some(key) = next.and_then(|at| rows.keys.get(at).copied()) else { return false };
        match self.open.get_untracked() {
            Some(_) => self.edit(key),
            None => self.focus(key),
        }
        true
    }
}
