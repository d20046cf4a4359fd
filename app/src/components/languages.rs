//! Which language is spoken, for who knows better; and the same in English.

use domain::language::CERTAIN;
use domain::{JobStatus, JobView, Task};
use leptos::either::Either;
use leptos::prelude::*;

use super::{LanguageSelect, ModelSelect};
use crate::api::Choices;
use crate::erase::EraseOnServer as _;
use crate::live::JobState;
use crate::text;
use crate::tr::tr;

/// Plain forms, which need no JavaScript. Nothing in them changes with the progress: somebody may be choosing.
#[component]
pub fn Languages(state: RwSignal<JobState>, choices: Choices) -> impl IntoView {
    // Who retries a failed job has the choice of languages there.
    let is_shown = Memo::new(move |_| {
        state.with(|state| !matches!(state.job.status, JobStatus::Failed | JobStatus::Cancelled))
    });
    let choices = StoredValue::new(choices);
    view! {
        <div class="languages">
            {move || is_shown.get().then(|| view! { <Correction state choices=choices.get_value() /> })}
            <Translation state />
        </div>
    }
    .erase_on_server()
}

/// Starts the job over in another language than the one that was detected or given.
#[component]
fn Correction(state: RwSignal<JobState>, choices: Choices) -> impl IntoView {
    let (id, model) = state.with_untracked(|state| (state.job.id, state.job.model.clone()));
    let doubt = Memo::new(move |_| state.with(|state| doubt(&state.job)));
    let is_known = Memo::new(move |_| state.with(|state| state.job.language.is_some()));
    let has_begun = Memo::new(move |_| state.with(|state| state.job.cues > 0));
    // A model for English only is of no use for another language.
    let is_english_only = model.is_some_and(|model| model.ends_with(".en"));
    let models: Vec<String> = choices.models.into_iter().filter(|model| !model.ends_with(".en")).collect();
    let model = (is_english_only && !models.is_empty()).then(|| {
        view! {
            <div class="field">
                <label for="correct-model">{tr!("Model")}</label>
                <ModelSelect id="correct-model" models />
            </div>
        }
    });
    view! {
        {move || doubt.get().map(|words| view! { <p class="unsure">{words}</p> })}
        <details class="correct">
            <summary class="button small">
                {move || if is_known.get() { tr!("Wrong language?") } else { tr!("Set the language") }}
            </summary>
            <form class="retry" method="post" action=format!("/jobs/{id}/retry")>
                <div class="field">
                    <label for="correct-language">{tr!("What is spoken")}</label>
                    <LanguageSelect id="correct-language" required=true />
                </div>
                {model}
                <button class="button" type="submit">{tr!("Start over")}</button>
                {move || has_begun.get().then(|| view! { <p class="note">{tr!("The present subtitles are thrown away; the media stays.")}</p> })}
            </form>
        </details>
    }
    .erase_on_server()
}

/// Asks for the English track, or leads to it; and from there back.
#[component]
fn Translation(state: RwSignal<JobState>) -> impl IntoView {
    let shown = Memo::new(move |_| {
        state.with(|JobState { job, companion, .. }| (companion.clone(), may_translate(job), job.id))
    });
    move || match shown.get() {
        (Some(companion), ..) => {
            let address = format!("/jobs/{}", companion.id);
            let words = match companion.task {
                Task::Translate => tr!("In English: {0}", text::stage(&companion)),
                Task::Transcribe => {
                    let spoken = companion.language.as_deref().map(text::language);
                    tr!("As spoken: {0}", spoken.unwrap_or_else(|| text::stage(&companion)))
                }
            };
            Some(Either::Left(view! { <a class="button small" rel="external" href=address>{words}</a> }))
        }
        (None, true, id) => Some(Either::Right(view! {
            <form method="post" action=format!("/jobs/{id}/translate")>
                <button class="button small" type="submit">{tr!("Translate into English")}</button>
            </form>
        })),
        (None, false, _) => None,
    }
}

fn may_translate(job: &JobView) -> bool {
    let is_foreign = job.language.as_deref().is_some_and(|language| language != "en");
    let has_ended_badly = matches!(job.status, JobStatus::Failed | JobStatus::Cancelled);
    job.task == Task::Transcribe && job.video.is_none() && is_foreign && !has_ended_badly
}

/// What is said of a language that was detected, but not for certain.
fn doubt(job: &JobView) -> Option<String> {
    let confidence = job.language_confidence.filter(|confidence| *confidence < CERTAIN)?;
    let language = text::language(job.language.as_deref()?);
    Some(tr!("Perhaps it is {0}: the model is only {1} % sure.", language, text::percent(confidence)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_certain_is_doubted() {
        let check = |language: Option<&str>, confidence: Option<f32>, expect: Option<&str>| {
            let mut job = crate::live::samples::state().job;
            (job.language, job.language_confidence) = (language.map(str::to_owned), confidence);
            assert_eq!(doubt(&job).as_deref(), expect, "{language:?} {confidence:?}");
        };
        check(None, None, None);
        check(Some("fr"), None, None);
        check(Some("fr"), Some(0.97), None);
        check(Some("fr"), Some(0.549), Some("Perhaps it is French: the model is only 54 % sure."));
    }

    #[test]
    fn english_is_not_translated_and_nothing_twice() {
        let check = |change: fn(&mut JobView), expect: bool| {
            let mut job = crate::live::samples::state().job;
            job.language = Some("fr".into());
            change(&mut job);
            assert_eq!(may_translate(&job), expect, "{job:?}");
        };
        check(|_| {}, true);
        check(|job| job.status = JobStatus::Completed, true);
        check(|job| job.language = None, false);
        check(|job| job.language = Some("en".into()), false);
        check(|job| job.task = Task::Translate, false);
        check(|job| job.status = JobStatus::Failed, false);
    }
}
