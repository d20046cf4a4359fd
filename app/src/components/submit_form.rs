//! The form that makes a job: a plain one for the server, taken over by the browser where it can.

use leptos::either::EitherOf3;
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use web_sys::{File, FormData, XmlHttpRequest};

use super::complaint::{Complaint, about};
use super::drop_zone::{DropZone, drop_anywhere};
use super::{LanguageSelect, ModelSelect, ProfileSelect, TaskSelect};
use crate::api::Choices;
use crate::browser::request::{Answer, post_file, post_json};
use crate::browser::submission::{Made, field, key_of, link_body, upload_address};
use crate::erase::EraseOnServer as _;
use crate::given::Given;
use crate::problem::{Field, Problem};
use crate::text;

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Link,
    File { sent: u64, total: u64 },
}

#[island]
pub fn SubmitForm(
    choices: Given<Choices>,
    /// The link of a form that was sent without JavaScript, and what was wrong with it.
    entered: String,
    told: Given<Option<Problem>>,
) -> impl IntoView {
    let Choices { models, max_upload_bytes } = choices.0;
    let problem = RwSignal::new(told.0);
    let sending = RwSignal::new(None::<Sending>);
    let upload = StoredValue::new(None::<SendWrapper<XmlHttpRequest>>);
    let key = StoredValue::new(None::<(String, String)>);
    let form = NodeRef::<html::Form>::new();
    let url = NodeRef::<html::Input>::new();
    let file = NodeRef::<html::Input>::new();
    let dragging = drop_anywhere(file, url, problem);

    let ended = move |source: Field, answer: Answer| {
        // A cancelled upload has nothing to tell.
        if sending.try_get_untracked().flatten().is_none() {
            return;
        }
        sending.set(None);
        upload.set_value(None);
        match answer {
            Answer::Lost => problem.set(Some(Problem::connection_lost(source))),
            Answer::Came { status: 200..=299, body } => match serde_json::from_str::<Made>(&body) {
                Ok(Made { id }) => {
                    let _ = location().assign(&format!("/jobs/{id}"));
                }
                Err(_) => problem.set(Some(Problem::answered("", source))),
            },
            Answer::Came { body, .. } => {
                key.set_value(None);
                problem.set(Some(Problem::answered(&body, source)));
            }
        }
        focus_problem(problem, url, file);
    };

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if sending.with_untracked(Option::is_some) {
            return;
        }
        let Some(wish) = form.get_untracked().and_then(|form| FormData::new_with_form(&form).ok()) else {
            return;
        };
        problem.set(None);
        if let Some(chosen) = chosen_file(file) {
            let total = chosen.size() as u64;
            if let Some(found) = Problem::of_file(total, max_upload_bytes) {
                problem.set(Some(found));
                return focus_problem(problem, url, file);
            }
            sending.set(Some(Sending::File { sent: 0, total }));
            let progressed = move |sent| sending.set(Some(Sending::File { sent, total }));
            let request = post_file(&upload_address(&chosen, &wish), &chosen, progressed, move |answer| {
                ended(Field::File, answer);
            });
            upload.set_value(request.map(SendWrapper::new));
            return;
        }
        let link = field(&wish, "url");
        if let Some(found) = Problem::of_link(&link) {
            problem.set(Some(found));
            return focus_problem(problem, url, file);
        }
        sending.set(Some(Sending::Link));
        let body = link_body(&link, &wish);
        post_json("/api/v1/jobs", &key_of(key, &body), &body, move |answer| ended(Field::Url, answer));
    };

    let cancel = move |_| {
        sending.set(None);
        if let Some(request) = upload.try_update_value(Option::take).flatten() {
            let _ = request.abort();
        }
    };
    // A link typed after a file was chosen is what counts, and the other way round.
    let link_typed = move |_| {
        if let Some(file) = file.get_untracked() {
            file.set_value("");
        }
    };
    let file_chosen = move || {
        problem.set(None);
        if let Some(url) = url.get_untracked() {
            url.set_value("");
        }
    };

    let about_url = about(problem, Field::Url);
    let busy = move || sending.with(Option::is_some);

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
            <fieldset class="source" disabled=busy>
                <legend class="unseen">"What to subtitle"</legend>
                <div class="field link">
                    <label for="url">"Link to a video or sound file"</label>
                    <input
                        node_ref=url
                        id="url"
                        name="url"
                        type="url"
                        inputmode="url"
                        autocomplete="off"
                        spellcheck="false"
                        placeholder="https://example.org/talk.mp4"
                        value=entered
                        aria-invalid=move || about_url.with(Option::is_some).then_some("true")
                        aria-describedby=move || about_url.get()
                        on:input=link_typed
                    />
                    <Complaint problem field=Field::Url />
                </div>
                <Options models problem />
                // Last in the form: the server reads the choices before the bytes come.
                <DropZone file max_upload_bytes problem on_chosen=file_chosen />
            </fieldset>
            <div class="act">
                {move || match sending.get() {
                    Some(Sending::File { sent, total }) => EitherOf3::A(view! { <Uploading sent total cancel /> }),
                    Some(Sending::Link) => {
                        EitherOf3::B(
                            view! { <button class="button primary" type="submit" disabled>"Submitting …"</button> },
                        )
                    }
                    None => {
                        EitherOf3::C(view! { <button class="button primary" type="submit">"Make subtitles"</button> })
                    }
                }}
                <Complaint problem field=Field::Form />
            </div>
        </form>
    }
    .erase_on_server()
}

#[component]
fn Options(models: Vec<String>, problem: RwSignal<Option<Problem>>) -> impl IntoView {
    view! {
        <div class="options">
            <div class="field">
                <label for="language">"Language"</label>
                <LanguageSelect id="language" problem=about(problem, Field::Language) />
                <Complaint problem field=Field::Language />
            </div>
            <div class="field">
                <label for="model">"Model"</label>
                <ModelSelect id="model" models problem=about(problem, Field::Model) />
                <Complaint problem field=Field::Model />
            </div>
            <div class="field">
                <label for="task">"Task"</label>
                <TaskSelect id="task" both=true problem=about(problem, Field::Task) />
                <Complaint problem field=Field::Task />
            </div>
        </div>
        <details class="more">
            <summary>"More"</summary>
            <div class="field">
                <label for="profile">"Layout of the subtitles"</label>
                <ProfileSelect id="profile" problem=about(problem, Field::Profile) />
                <Complaint problem field=Field::Profile />
            </div>
        </details>
    }
    .erase_on_server()
}

#[component]
fn Uploading<F: Fn(web_sys::MouseEvent) + 'static>(sent: u64, total: u64, cancel: F) -> impl IntoView {
    let percent = sent.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
    let told = if sent < total {
        format!("Uploading {percent} % · {} of {}", text::bytes(sent), text::bytes(total))
    } else {
        "Uploaded; waiting for the server …".into()
    };
    view! {
        <div class="uploading">
            <label for="upload">{told}</label>
            <progress id="upload" max="100" value=percent.to_string()></progress>
            <button class="button" type="button" on:click=cancel>"Cancel the upload"</button>
        </div>
    }
    .erase_on_server()
}

fn focus_problem(problem: RwSignal<Option<Problem>>, url: NodeRef<html::Input>, file: NodeRef<html::Input>) {
    let input = match problem.try_get_untracked().flatten().map(|problem| problem.field) {
        Some(Field::Url) => url,
        Some(Field::File) => file,
        _ => return,
    };
    // The fields are still disabled by what just ended.
    request_animation_frame(move || {
        if let Some(input) = input.try_get_untracked().flatten() {
            let _ = input.focus();
        }
    });
}

fn chosen_file(input: NodeRef<html::Input>) -> Option<File> {
    input.get_untracked()?.files()?.get(0)
}
