//! The choices that belong to a job.

use domain::language::{LANGUAGES, Language};
use domain::{Profile, Task};
use leptos::prelude::*;

use crate::erase::EraseOnServer as _;

/// `id` is that of the `<select>`, for a label. The first one lets the model detect it, unless one is required.
#[component]
pub fn LanguageSelect(
    id: &'static str,
    #[prop(optional, into)] chosen: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let mut languages: Vec<&Language> = LANGUAGES.iter().collect();
    languages.sort_by_key(|language| language.name);
    let options: Vec<_> = languages
        .into_iter()
        .map(|language| {
            let selected = chosen.as_deref() == Some(language.code);
            view! { <option value=language.code selected=selected>{language.name}</option> }
        })
        .collect();
    view! {
        <select
            id=id
            name="language"
            required=required
            aria-invalid=invalid(problem)
            aria-describedby=move || problem.get()
        >
            <option value="">{if required { "Choose …" } else { "Detect" }}</option>
            {options}
        </select>
    }
    .erase_on_server()
}

#[component]
pub fn ModelSelect(
    id: &'static str,
    models: Vec<String>,
    #[prop(optional, into)] chosen: Option<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let options: Vec<_> = models
        .into_iter()
        .map(|model| {
            let selected = chosen.as_deref() == Some(model.as_str());
            let label =
                if model.ends_with(".en") { format!("{model} (English only)") } else { model.clone() };
            view! { <option value=model selected=selected>{label}</option> }
        })
        .collect();
    view! {
        <select id=id name="model" aria-invalid=invalid(problem) aria-describedby=move || problem.get()>
            {options}
        </select>
    }
    .erase_on_server()
}

#[component]
pub fn TaskSelect(
    id: &'static str,
    #[prop(optional)] chosen: Task,
    /// Offers both at once too, where a job is made.
    #[prop(optional)]
    both: bool,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let options = Task::ALL.map(|task| {
        let label = match task {
            Task::Transcribe => "Transcribe as spoken",
            Task::Translate => "Translate into English",
        };
        view! { <option value=task.as_str() selected=task == chosen>{label}</option> }
    });
    view! {
        <select id=id name="task" aria-invalid=invalid(problem) aria-describedby=move || problem.get()>
            {options.into_iter().collect_view()}
            {both.then(|| view! { <option value="both">"Both: as spoken, and in English"</option> })}
        </select>
    }
    .erase_on_server()
}

#[component]
pub fn ProfileSelect(
    id: &'static str,
    #[prop(optional)] chosen: Profile,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let options = Profile::ALL.map(|profile| {
        let label = match profile {
            Profile::Netflix => "Netflix",
            Profile::Bbc => "BBC",
            Profile::Ted => "TED",
            Profile::Shorts => "Shorts: few words at a time",
        };
        view! { <option value=profile.as_str() selected=profile == chosen>{label}</option> }
    });
    view! {
        <select id=id name="profile" aria-invalid=invalid(problem) aria-describedby=move || problem.get()>
            {options.into_iter().collect_view()}
        </select>
    }
    .erase_on_server()
}

/// `problem` holds the id of the text that tells what is wrong.
fn invalid(
    problem: Signal<Option<String>>,
) -> impl Fn() -> Option<&'static str> + Send + Sync + Clone + 'static {
    move || problem.with(Option::is_some).then_some("true")
}
