//! The choices that belong to a job.

use std::borrow::Cow;

use domain::language::{LANGUAGES, Language};
use domain::{Profile, Task};
use leptos::prelude::*;

use crate::erase::EraseOnServer as _;
use crate::tr::{Text, tr};

/// `id` is that of the `<select>`, for a label. The first one lets the model detect it, unless one is required.
#[component]
pub fn LanguageSelect(
    id: &'static str,
    #[prop(optional, into)] chosen: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let mut languages: Vec<&Language> = LANGUAGES.iter().collect();
    languages.sort_by_key(|language| Text(language.name).get());
    let none = Choice::new("", if required { tr!("Choose …") } else { tr!("Detect") }, false);
    let languages = languages.into_iter().map(|language| {
        Choice::new(language.code, Text(language.name).get(), chosen.as_deref() == Some(language.code))
    });
    let choices = std::iter::once(none).chain(languages).collect();
    view! { <Select id name="language" required choices problem /> }
}

#[component]
pub fn ModelSelect(
    id: &'static str,
    models: Vec<String>,
    #[prop(optional, into)] chosen: Option<String>,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let choice = |model: String| {
        let label = if model.ends_with(".en") { tr!("{0} (English only)", model) } else { model.clone() };
        let is_chosen = chosen.as_deref() == Some(model.as_str());
        Choice { value: model.into(), label: label.into(), is_chosen }
    };
    let choices = models.into_iter().map(choice).collect();
    view! { <Select id name="model" choices problem /> }
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
    let tasks = Task::ALL.into_iter().map(|task| {
        let label = match task {
            Task::Transcribe => tr!("Transcribe as spoken"),
            Task::Translate => tr!("Translate into English"),
        };
        Choice::new(task.as_str(), label, task == chosen)
    });
    let both = both.then(|| Choice::new("both", tr!("Both: as spoken, and in English"), false));
    let choices = tasks.chain(both).collect();
    view! { <Select id name="task" choices problem /> }
}

#[component]
pub fn ProfileSelect(
    id: &'static str,
    #[prop(optional)] chosen: Profile,
    #[prop(optional, into)] problem: Signal<Option<String>>,
) -> impl IntoView {
    let profiles = Profile::ALL.into_iter().map(|profile| {
        let label = match profile {
            Profile::Netflix => "Netflix",
            Profile::Bbc => "BBC",
            Profile::Ted => "TED",
            Profile::Shorts => tr!("Shorts: few words at a time"),
        };
        Choice::new(profile.as_str(), label, profile == chosen)
    });
    let choices = profiles.collect();
    view! { <Select id name="profile" choices problem /> }
}

/// How long a link works, in seconds; empty is as long as the job is kept.
#[component]
pub fn ExpirySelect() -> impl IntoView {
    let choices = vec![
        Choice::new("86400", tr!("1 day"), false),
        Choice::new("604800", tr!("7 days"), true),
        Choice::new("2592000", tr!("30 days"), false),
        Choice::new("", tr!("as long as the job is kept"), false),
    ];
    view! {
        <div class="field">
            <label for="share-expiry">{tr!("The link works for")}</label>
            <Select id="share-expiry" name="expires_in" choices problem=Signal::derive(|| None) />
        </div>
    }
    .erase_on_server()
}

struct Choice {
    value: Cow<'static, str>,
    label: Cow<'static, str>,
    is_chosen: bool,
}

impl Choice {
    fn new(value: &'static str, label: &'static str, is_chosen: bool) -> Choice {
        Choice { value: value.into(), label: label.into(), is_chosen }
    }
}

/// All selects are this one: another view is other code in the WASM.
#[component]
fn Select(
    id: &'static str,
    name: &'static str,
    #[prop(optional)] required: bool,
    choices: Vec<Choice>,
    /// The id of the text that tells what is wrong.
    problem: Signal<Option<String>>,
) -> impl IntoView {
    let options: Vec<_> = choices
        .into_iter()
        .map(|Choice { value, label, is_chosen }| view! { <option value=value selected=is_chosen>{label}</option> })
        .collect();
    view! {
        <select
            id=id
            name=name
            required=required
            aria-invalid=move || problem.with(Option::is_some).then_some("true")
            aria-describedby=move || problem.get()
        >
            {options}
        </select>
    }
    .erase_on_server()
}
