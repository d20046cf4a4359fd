//! What is on its way to the server: each file and each link by itself, two at a time.

use domain::JobId;
use leptos::either::EitherOf6;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use web_sys::{File, XmlHttpRequest};

use crate::browser::address;
use crate::browser::request::{Answer, ask, post_file};
use crate::browser::submission::{Keys, Made, forget_key, key_of};
use crate::erase::EraseOnServer as _;
use crate::problem::{Field, Problem};
use crate::text::{self, start};
use crate::tr::Text;

/// More at once would only share the same line, and browsers open few connections to one server.
const AT_ONCE: usize = 2;

/// One file or link.
#[derive(Clone)]
pub struct Parcel {
    pub number: u32,
    pub name: String,
    pub content: Content,
    pub state: ArcRwSignal<State>,
}

#[derive(Clone)]
pub enum Content {
    File { file: SendWrapper<File>, address: String },
    Link { body: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Waiting,
    /// Bytes, of a file.
    Sending {
        sent: u64,
        total: u64,
    },
    Accepted(JobId),
    Refused(Problem),
    Cancelled,
}

impl State {
    fn is_open(&self) -> bool {
        matches!(self, State::Waiting | State::Sending { .. })
    }
}

/// All of one submission. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Outbox {
    pub parcels: RwSignal<Vec<Parcel>>,
    /// Of uploads under way, to break them off.
    requests: StoredValue<Vec<(u32, SendWrapper<XmlHttpRequest>)>>,
    keys: Keys,
    numbers: StoredValue<u32>,
}

impl Outbox {
    pub fn new() -> Outbox {
        Outbox {
            parcels: RwSignal::new(Vec::new()),
            requests: StoredValue::new(Vec::new()),
            keys: StoredValue::new(Vec::new()),
            numbers: StoredValue::new(0),
        }
    }

    /// Something is not at its end yet.
    pub fn is_busy(self) -> bool {
        self.parcels.with(|parcels| parcels.iter().any(|parcel| parcel.state.with(State::is_open)))
    }

    /// In place of what was submitted before. `ended` is called each time that all of them have come to an end.
    pub fn send(self, contents: Vec<(String, Content)>, ended: impl Fn() + Clone + 'static) {
        let parcels = contents.into_iter().map(|(name, content)| {
            let number = self.numbers.with_value(|number| *number) + 1;
            self.numbers.set_value(number);
            Parcel { number, name, content, state: ArcRwSignal::new(State::Waiting) }
        });
        self.parcels.set(parcels.collect());
        self.go_on(ended);
    }

    pub fn send_again(self, parcel: &Parcel, ended: impl Fn() + Clone + 'static) {
        parcel.state.set(State::Waiting);
        self.go_on(ended);
    }

    /// Ended by the person: there is nothing to tell.
    pub fn cancel(self, parcel: &Parcel, ended: impl Fn() + Clone + 'static) {
        parcel.state.set(State::Cancelled);
        let request = self.requests.try_update_value(|requests| {
            let index = requests.iter().position(|(number, _)| *number == parcel.number)?;
            Some(requests.swap_remove(index).1)
        });
        if let Some(request) = request.flatten() {
            let _ = request.abort();
        }
        self.go_on(ended);
    }

    fn go_on(self, ended: impl Fn() + Clone + 'static) {
        // The page may have been left while something was under way.
        let Some(parcels) = self.parcels.try_get_untracked() else { return };
        let state = |parcel: &Parcel| parcel.state.get_untracked();
        let mut under_way =
            parcels.iter().filter(|parcel| matches!(state(parcel), State::Sending { .. })).count();
        let mut is_open = under_way > 0;
        for parcel in parcels.iter().filter(|parcel| state(parcel) == State::Waiting) {
            is_open = true;
            if under_way < AT_ONCE {
                under_way += 1;
                self.begin(parcel.clone(), ended.clone());
            }
        }
        if !is_open {
            ended();
        }
    }

    fn begin(self, parcel: Parcel, ended: impl Fn() + Clone + 'static) {
        let Parcel { number, content, state, .. } = parcel;
        match content {
            Content::Link { body } => {
                state.set(State::Sending { sent: 0, total: 0 });
                let key = key_of(self.keys, &body);
                let json = body.clone();
                ask("POST", "/api/v1/jobs", &[("Idempotency-Key", &key)], Some(&json), move |answer| {
                    if answer != Answer::Lost {
                        forget_key(self.keys, &body);
                    }
                    self.answered(&state, Field::Url, answer, ended);
                });
            }
            Content::File { file, address } => {
                let total = file.size() as u64;
                state.set(State::Sending { sent: 0, total });
                let progress = state.clone();
                let progressed = move |sent| {
                    if progress.with_untracked(State::is_open) {
                        progress.set(State::Sending { sent, total });
                    }
                };
                let request = post_file(&address, &file, progressed, move |answer| {
                    self.requests.try_update_value(|requests| requests.retain(|(of, _)| *of != number));
                    self.answered(&state, Field::File, answer, ended);
                });
                if let Some(request) = request {
                    self.requests.update_value(|requests| requests.push((number, SendWrapper::new(request))));
                }
            }
        }
    }

    fn answered(
        self,
        state: &ArcRwSignal<State>,
        field: Field,
        answer: Answer,
        ended: impl Fn() + Clone + 'static,
    ) {
        // What was cancelled has nothing to tell.
        if !state.with_untracked(State::is_open) {
            return;
        }
        state.set(match answer {
            Answer::Lost => State::Refused(Problem::connection_lost(field)),
            Answer::Came { status: 200..=299, body } => match serde_json::from_str::<Made>(&body) {
                Ok(Made { id }) => State::Accepted(id),
                Err(_) => State::Refused(Problem::answered("", field)),
            },
            Answer::Came { body, .. } => State::Refused(Problem::answered(&body, field)),
        });
        address::tell_submitted();
        self.go_on(ended);
    }
}

/// What became of each so far.
#[component]
pub fn Sendings<F: Fn() + Clone + Send + Sync + 'static>(outbox: Outbox, ended: F) -> impl IntoView {
    let is_shown = Memo::new(move |_| outbox.parcels.with(|parcels| !parcels.is_empty()));
    let is_one = Memo::new(move |_| outbox.parcels.with(Vec::len) == 1);
    view! {
        <ul class="sendings" aria-label=start::SENDINGS hidden=move || !is_shown.get()>
            <For each=move || outbox.parcels.get() key=|parcel| parcel.number let:parcel>
                <Sending outbox parcel is_one ended=ended.clone() />
            </For>
        </ul>
    }
    .erase_on_server()
}

#[component]
fn Sending<F: Fn() + Clone + Send + Sync + 'static>(
    outbox: Outbox,
    parcel: Parcel,
    is_one: Memo<bool>,
    ended: F,
) -> impl IntoView {
    let state = parcel.state.clone();
    let name = parcel.name.clone();
    let bar = format!("sending-{}", parcel.number);
    let parcel = StoredValue::new(parcel);
    let ended = StoredValue::new(ended);
    let named = move |words: Text| match is_one.get_untracked() {
        true => words.into(),
        false => parcel.with_value(|parcel| start::about_one(words.get(), &parcel.name)),
    };
    let cancel = move |_| parcel.with_value(|parcel| outbox.cancel(parcel, ended.get_value()));
    let again = move |_| parcel.with_value(|parcel| outbox.send_again(parcel, ended.get_value()));
    // The bar stays while its numbers change, so that a button in use is not taken away.
    let kind = {
        let state = state.clone();
        Memo::new(move |_| std::mem::discriminant(&state.get()))
    };
    let content = {
        let state = state.clone();
        move || {
            let _ = kind.get();
            match state.get_untracked() {
                State::Waiting => EitherOf6::A(view! {
                    <p class="told">{start::WAITS}</p>
                    <button class="button small" type="button" aria-label=named(start::CANCEL_UPLOAD) on:click=cancel>
                        {text::CANCEL}
                    </button>
                }),
                State::Sending { total: 0, .. } => {
                    EitherOf6::B(view! { <p class="told">{start::SUBMITTING}</p> })
                }
                State::Sending { .. } => {
                    let (words, percent) = (state.clone(), state.clone());
                    let words = move || match words.get() {
                        State::Sending { sent, total } if sent < total => start::uploading(sent, total),
                        _ => start::SENT.into(),
                    };
                    let percent = move || match percent.get() {
                        State::Sending { sent, total } => {
                            sent.saturating_mul(100).checked_div(total).unwrap_or(100).min(100).to_string()
                        }
                        _ => "100".into(),
                    };
                    EitherOf6::C(view! {
                        <label class="told" for=bar.clone()>{words}</label>
                        <progress id=bar.clone() max="100" value=percent></progress>
                        <button class="button small" type="button" aria-label=named(start::CANCEL_UPLOAD) on:click=cancel>
                            {text::CANCEL}
                        </button>
                    })
                }
                State::Accepted(id) => EitherOf6::D(view! {
                    <p class="told"><a href=format!("/jobs/{id}") aria-label=named(start::OPEN)>{start::OPEN}</a></p>
                }),
                State::Refused(problem) => EitherOf6::E(view! {
                    <p class="problem" role="alert"><strong>{problem.message}</strong> " " {problem.hint}</p>
                    <button class="button small" type="button" aria-label=named(start::AGAIN) on:click=again>
                        {start::AGAIN}
                    </button>
                }),
                State::Cancelled => EitherOf6::F(view! { <p class="told">{start::CANCELLED}</p> }),
            }
        }
    };
    view! {
        <li>
            <strong class="name">{name}</strong>
            {content}
        </li>
    }
    .erase_on_server()
}
