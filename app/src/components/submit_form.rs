//! The form that makes jobs: a plain one for the server, taken over by the browser where it can.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use web_sys::{File, FormData};

use super::complaint::{Complaint, about};
use super::drop_zone::{DropZone, drop_anywhere};
use super::outbox::{Content, Outbox, Sendings, State};
use super::{LanguageSelect, ModelSelect, ProfileSelect, TaskSelect};
use crate::api::Choices;
use crate::browser::address;
use crate::browser::submission::{field, link_body, links, upload_address};
use crate::erase::EraseOnServer as _;
use crate::given::Given;
use crate::problem::{Field, Problem};
use crate::text::{escape_markup, start};

#[island]
pub fn SubmitForm(
    choices: Given<Choices>,
    /// The links of a form that was sent without JavaScript and not taken whole, how many jobs it made, and what was
    /// wrong with it.
    entered: String,
    accepted: usize,
    told: Given<Option<Problem>>,
) -> impl IntoView {
    let Choices { models, max_upload_bytes } = choices.0;
    let problem = RwSignal::new(told.0);
    let accepted = RwSignal::new(accepted);
    let outbox = Outbox::new();
    let form = NodeRef::<html::Form>::new();
    let url = NodeRef::<html::Textarea>::new();
    let file = NodeRef::<html::Input>::new();
    let dragging = drop_anywhere(file, url, problem);
    let busy = Memo::new(move |_| outbox.is_busy());
    keep_while(busy);

    // Where there was one, its page is next; where there were several, the list has them.
    let ended = move || {
        let states: Vec<State> = outbox
            .parcels
            .with_untracked(|parcels| parcels.iter().map(|parcel| parcel.state.get_untracked()).collect());
        accepted.set(states.iter().filter(|state| matches!(state, State::Accepted(_))).count());
        match &states[..] {
            [State::Accepted(id)] => address::go(&format!("/jobs/{id}")),
            [State::Refused(refused)] => {
                problem.set(Some(refused.clone()));
                outbox.parcels.set(Vec::new());
                focus_problem(problem, url, file);
            }
            [State::Cancelled] => outbox.parcels.set(Vec::new()),
            _ => {
                // What was refused stays, and can be sent again from there.
                outbox.parcels.update(|parcels| {
                    parcels.retain(|parcel| matches!(parcel.state.get_untracked(), State::Refused(_)));
                });
                if let Some(url) = url.get_untracked() {
                    url.set_value("");
                }
                if let Some(file) = file.get_untracked() {
                    file.set_value("");
                }
            }
        }
    };

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let Some(wish) = form.get_untracked().and_then(|form| FormData::new_with_form(&form).ok()) else {
            return;
        };
        problem.set(None);
        accepted.set(0);
        match contents(&wish, &chosen_files(file), max_upload_bytes) {
            Ok(contents) => outbox.send(contents, ended),
            Err(found) => {
                problem.set(Some(found));
                focus_problem(problem, url, file);
            }
        }
    };
    // Who pastes one link and presses Enter has done all there is to do.
    let entered_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            if let Some(form) = form.get_untracked() {
                let _ = form.request_submit();
            }
        }
    };
    let chosen = move || problem.set(None);
    let about_url = about(problem, Field::Url);
    let described =
        move || about_url.get().map_or("url-about".into(), |problem| format!("url-about {problem}"));

    view! {
        <form
            node_ref=form
            class="submit"
            class:dragging=dragging
            method="post"
            action="/submit"
            enctype="multipart/form-data"
            novalidate
            on:submit=submit
        >
            <fieldset class="source" disabled=move || busy.get()>
                <legend class="unseen">{start::SOURCES}</legend>
                <div class="field link">
                    <label for="url">{start::LINK}</label>
                    <textarea
                        node_ref=url
                        id="url"
                        name="url"
                        rows="2"
                        inputmode="url"
                        autocomplete="off"
                        spellcheck="false"
                        placeholder=start::LINK_EXAMPLE
                        aria-invalid=move || about_url.with(Option::is_some).then_some("true")
                        aria-describedby=described
                        on:keydown=entered_key
                        // Raw: an empty text among the nodes would be a blank in the field.
                        inner_html=escape_markup(&entered)
                    ></textarea>
                    <p id="url-about" class="note">{start::LINK_HINT}</p>
                    <Complaint problem field=Field::Url />
                </div>
                <Options models problem />
                // Last in the form: the server reads the choices before the bytes come.
                <DropZone file max_upload_bytes problem on_chosen=chosen />
            </fieldset>
            <div class="act">
                <button class="button primary" type="submit" disabled=move || busy.get()>
                    {move || if busy.get() { start::SUBMITTING.get() } else { start::SUBMIT.get() }}
                </button>
                <Sendings outbox ended />
                <p class="note" role="status">
                    {move || Some(accepted.get()).filter(|count| *count > 0).map(start::accepted)}
                </p>
                <Complaint problem field=Field::Form />
            </div>
        </form>
    }
    .erase_on_server()
}

/// Everything that is to be sent, or what is wrong with the first of it that is.
fn contents(
    wish: &FormData,
    files: &[File],
    max_upload_bytes: u64,
) -> Result<Vec<(String, Content)>, Problem> {
    let links = links(&field(wish, "url"));
    if links.is_empty() && files.is_empty() {
        return Err(Problem::nothing_chosen());
    }
    let is_one = links.len() + files.len() == 1;
    let of_one = |problem: Problem, words: String| match is_one {
        true => problem,
        false => Problem { message: format!("{words} {}", problem.message), ..problem },
    };
    let mut contents = Vec::new();
    for link in links {
        if let Some(problem) = Problem::of_link(&link) {
            return Err(of_one(problem, start::wrong_link(&link)));
        }
        let body = link_body(&link, wish);
        contents.push((link, Content::Link { body }));
    }
    for file in files {
        if let Some(problem) = Problem::of_file(file.size() as u64, max_upload_bytes) {
            return Err(of_one(problem, start::wrong_file(&file.name())));
        }
        let address = upload_address(file, wish);
        contents.push((file.name(), Content::File { file: SendWrapper::new(file.clone()), address }));
    }
    Ok(contents)
}

/// Folded: who changes nothing gets what the operator offers first, and the language is heard.
#[component]
fn Options(models: Vec<String>, problem: RwSignal<Option<Problem>>) -> impl IntoView {
    let fields = [Field::Language, Field::Model, Field::Task, Field::Profile];
    let is_needed = Memo::new(move |_| {
        problem.with(|problem| problem.as_ref().is_some_and(|found| fields.contains(&found.field)))
    });
    view! {
        <details class="more" open=move || is_needed.get()>
            <summary>{start::OPTIONS}</summary>
            <div class="options">
                <div class="field">
                    <label for="language">{start::LANGUAGE}</label>
                    <LanguageSelect id="language" problem=about(problem, Field::Language) />
                    <Complaint problem field=Field::Language />
                </div>
                <div class="field">
                    <label for="model">{start::MODEL}</label>
                    <ModelSelect id="model" models problem=about(problem, Field::Model) />
                    <Complaint problem field=Field::Model />
                </div>
                <div class="field">
                    <label for="task">{start::TASK}</label>
                    <TaskSelect id="task" both=true problem=about(problem, Field::Task) />
                    <Complaint problem field=Field::Task />
                </div>
                <div class="field">
                    <label for="profile">{start::LAYOUT}</label>
                    <ProfileSelect id="profile" problem=about(problem, Field::Profile) />
                    <Complaint problem field=Field::Profile />
                </div>
            </div>
        </details>
    }
    .erase_on_server()
}

/// The browser asks before the page is left with something on its way.
fn keep_while(busy: Memo<bool>) {
    Effect::new(move || {
        let leaving = window_event_listener(leptos::ev::beforeunload, move |event| {
            if busy.try_get_untracked() == Some(true) {
                event.prevent_default();
            }
        });
        on_cleanup(move || leaving.remove());
    });
}

fn focus_problem(
    problem: RwSignal<Option<Problem>>,
    url: NodeRef<html::Textarea>,
    file: NodeRef<html::Input>,
) {
    let field = problem.try_get_untracked().flatten().map(|problem| problem.field);
    // The fields are still disabled by what just ended.
    request_animation_frame(move || {
        let _ = match field {
            Some(Field::Url) => url.try_get_untracked().flatten().map(|url| url.focus()),
            Some(Field::File) => file.try_get_untracked().flatten().map(|file| file.focus()),
            _ => None,
        };
    });
}

fn chosen_files(input: NodeRef<html::Input>) -> Vec<File> {
    let files = input.get_untracked().and_then(|input| input.files());
    files.map_or(Vec::new(), |files| (0..files.length()).filter_map(|index| files.get(index)).collect())
}
