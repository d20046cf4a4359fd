//! Dead letters, and the form that redrives them.

use domain::language::LANGUAGES;
use domain::{JobId, WallTime};
use leptos::prelude::*;
use serde::Serialize;

use super::work::job_link;
use super::{Queue, words};
use crate::text;
use crate::tr::Text;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Letter {
    pub id: String,
    /// `None`: nobody can read the message.
    pub job: Option<JobId>,
    /// `None`: the job is gone.
    pub title: Option<String>,
    /// Absent where no worker gave one: the message was received too often.
    pub reason: Option<String>,
    pub attempts: u32,
    pub buried_at: Option<WallTime>,
    /// What the job asks for.
    pub model: Option<String>,
    pub language: Option<String>,
}

pub fn letters(
    letters: Option<&[Letter]>,
    queue: Option<&Queue>,
    models: &[String],
    has_job_pages: bool,
) -> AnyView {
    let letters = match letters {
        None => return view! { <p class="empty">{words::LETTERS_NOT_KNOWN}</p> }.into_any(),
        Some([]) => return view! { <p class="empty">{words::NO_LETTERS}</p> }.into_any(),
        Some(letters) => letters,
    };
    let number = queue.map_or(0, |queue| queue.dead_letters).max(letters.len() as u64);
    let rows = letters.iter().map(|letter| row(letter, has_job_pages)).collect_view();
    let models = models.iter().map(|model| view! { <option value=model.clone()>{model.clone()}</option> });
    let mut languages: Vec<_> =
        LANGUAGES.iter().map(|known| (text::language(known.code), known.code)).collect();
    languages.sort_unstable();
    let languages = languages.into_iter().map(|(name, code)| view! { <option value=code>{name}</option> });
    view! {
        <form method="post" action="/ops/redrive">
            <ul class="letters">{rows}</ul>
            <label class="choice"><input type="checkbox" id="every" />{words::ALL_SHOWN}</label>
            <div class="options">
                <div class="field">
                    <label for="model">{words::MODEL}</label>
                    <select id="model" name="model">
                        <option value="">{words::AS_BEFORE}</option>
                        {models.collect_view()}
                    </select>
                </div>
                <div class="field">
                    <label for="language">{words::LANGUAGE}</label>
                    <select id="language" name="language">
                        <option value="">{words::AS_BEFORE}</option>
                        <option value="auto">{words::DETECT}</option>
                        {languages.collect_view()}
                    </select>
                </div>
            </div>
            <div class="buttons">
                <button class="button primary" name="which" value="chosen">{words::REDRIVE_CHOSEN}</button>
                <button class="button" name="which" value="all">{words::redrive_all(number)}</button>
            </div>
            <p class="note">{words::REDRIVE_NOTE}</p>
        </form>
    }
    .into_any()
}

fn row(letter: &Letter, has_job_pages: bool) -> AnyView {
    let Letter { id, job, title, reason, attempts, buried_at, model, language } = letter.clone();
    // What a worker noted is for who runs it, and not translated.
    let noted_in = reason.is_some().then_some("en");
    let (name, link) = match (job, title) {
        (Some(job), Some(title)) => (title.clone(), job_link(job, &title, has_job_pages)),
        (Some(job), None) => (job.to_string(), gone(words::JOB_IS_GONE, job.to_string())),
        (None, _) => (id.clone(), gone(words::UNREADABLE, id.clone())),
    };
    let facts = [
        Some(words::attempts(attempts)),
        buried_at.map(text::moment),
        model.map(|model| words::model(&model)),
        language.map(|tag| text::language(&tag)),
    ];
    let facts = facts.into_iter().flatten().map(|fact| view! { <li>{fact}</li> }).collect_view();
    view! {
        <li data-status="failed">
            <input type="checkbox" name="id" value=id aria-label=words::choose(&name) />
            {link}
            <p class="reason" lang=noted_in>{reason.unwrap_or_else(|| words::RECEIVED_TOO_OFTEN.into())}</p>
            <ul class="facts">{facts}</ul>
        </li>
    }
    .into_any()
}

fn gone(what: Text, id: String) -> AnyView {
    view! { <span class="title">{what} " " <code>{id}</code></span> }.into_any()
}
