//! The list of jobs: live, searched, page by page, and many at once.

mod held;
mod picked;
mod row;
mod search;

use std::time::Duration;

use domain::{JobId, JobStatus};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::complaint::Complaint;
use crate::api::{JobQuery, JobRows};
use crate::browser::address;
use crate::browser::reading::list_jobs;
use crate::erase::EraseOnServer as _;
use crate::given::Given;
use crate::live::{self, Folded};
use crate::problem::{Field, Problem};
use crate::text::start;
use crate::tr::Text;
use held::Held;
use picked::{Picked, Toolbar};
use row::Row;
use search::SearchForm;

/// The server tells of jobs that are watched, not of new ones, and not how the line moves on: those come with the next
/// reading.
const READ_AGAIN: Duration = Duration::from_secs(20);

/// After something of that kind happened. Others of the kind may follow, and are read with it.
const SOON: Duration = Duration::from_millis(700);

/// What the parts of the list share. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Shared {
    held: RwSignal<Held>,
    picked: RwSignal<Picked>,
    is_loading: RwSignal<bool>,
    problem: RwSignal<Option<Problem>>,
    /// Readings that were begun: an answer counts only if no other was begun since.
    readings: StoredValue<u64>,
    is_read_soon: StoredValue<bool>,
}

#[island]
pub fn Jobs(
    first: Given<JobRows>,
    query: Given<JobQuery>,
    /// What was wrong with a wish about jobs of the list, sent without JavaScript.
    told: Given<Option<Problem>>,
) -> impl IntoView {
    let shared = Shared {
        held: RwSignal::new(Held::new(query.0, first.0)),
        picked: RwSignal::new(Picked::default()),
        is_loading: RwSignal::new(false),
        problem: RwSignal::new(told.0),
        readings: StoredValue::new(0),
        is_read_soon: StoredValue::new(false),
    };
    keep_live(shared);
    let is_empty = Memo::new(move |_| shared.held.with(|held| held.rows.is_empty()));

    view! {
        <section class="recent" aria-labelledby="recent" aria-busy=move || shared.is_loading.get().then_some("true")>
            <div class="head">
                <h2 id="recent">{start::JOBS}</h2>
                <SearchForm shared />
            </div>
            <Complaint problem=shared.problem field=Field::List />
            <p class="found" role="status">{move || told_of(shared)}</p>
            // Checked boxes and buttons work without JavaScript, too.
            <form class="picking" method="get" action="/jobs/archive">
                <Toolbar shared is_empty />
                <ul class="jobs">
                    <For each=move || shared.held.with(|held| held.rows.clone()) key=|row| row.job.id let:row>
                        <Row shared first=row />
                    </For>
                </ul>
            </form>
            {move || is_empty.get().then(|| view! { <Empty shared /> })}
            <More shared />
        </section>
    }
    .erase_on_server()
}

/// How far a search looked, or that it is under way.
fn told_of(shared: Shared) -> Option<String> {
    if shared.is_loading.get() {
        return Some(start::LOADING.into());
    }
    shared.held.with(|held| held.searched.map(|searched| start::found(held.rows.len(), searched)))
}

#[component]
fn Empty(shared: Shared) -> impl IntoView {
    let words = move || {
        shared.held.with(|held| match () {
            () if held.is_unusable => start::UNUSABLE.get(),
            () if held.searched.is_some() => start::NO_HITS.get(),
            () if held.query.is_all() => start::NO_JOBS.get(),
            () => start::none_of_status(JobStatus::parse(&held.query.status)).get(),
        })
    };
    let is_part = move || shared.held.with(|held| !held.query.is_all());
    let all = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        shared.show(JobQuery::default());
    };
    view! {
        <div class="empty">
            <p>{words}</p>
            {move || is_part().then(|| view! { <p><a class="button" href="/" on:click=all>{start::SHOW_ALL}</a></p> })}
        </div>
    }
    .erase_on_server()
}

/// A link to the next page, which a script adds to this one.
#[component]
fn More(shared: Shared) -> impl IntoView {
    let next = Memo::new(move |_| shared.held.with(Held::next));
    let is_later = Memo::new(move |_| shared.held.with(|held| !held.query.cursor.is_empty()));
    let more = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        shared.show_more();
    };
    view! {
        <p class="pages">
            {move || {
                next.get()
                    .map(|next| {
                        let words = if next.q.is_empty() { start::SHOW_MORE } else { start::SEARCH_ON };
                        view! { <a class="button" href=next.address() on:click=more>{words}</a> }
                    })
            }}
            {move || {
                is_later
                    .get()
                    .then(|| {
                        let first = shared.held.with_untracked(|held| held.query.first_page());
                        view! { <a href=first.address()>{start::NEWEST}</a> }
                    })
            }}
        </p>
    }
    .erase_on_server()
}

impl Shared {
    /// Another list in place of this one.
    fn show(self, query: JobQuery) {
        address::show(&query.address());
        let asked = query.clone();
        self.read(query, move |held, read| *held = Held::new(asked, read));
        self.picked.set(Picked::default());
    }

    fn show_more(self) {
        let Some(next) = self.held.with_untracked(Held::next) else { return };
        self.read(next, Held::append);
    }

    /// The first page once more, where that costs little.
    fn read_again(self) {
        let is_first = |held: &Held| held.query.q.is_empty() && held.query.cursor.is_empty();
        let is_idle = !self.is_loading.try_get_untracked().unwrap_or(true);
        if !is_idle || document().hidden() || !self.held.with_untracked(is_first) {
            return;
        }
        let query = self.held.with_untracked(|held| held.query.clone());
        let reading = self.begin_reading();
        spawn_local(async move {
            // A list that is a little old is better than none; the next reading may work.
            let Ok(read) = list_jobs(&query).await else { return };
            if self.is_last(reading) {
                self.held.try_update(|held| held.renew(read));
            }
        });
    }

    fn read_soon(self) {
        if self.is_read_soon.try_update_value(|soon| std::mem::replace(soon, true)) == Some(false) {
            set_timeout(
                move || {
                    if self.is_read_soon.try_set_value(false).is_none() {
                        self.read_again();
                    }
                },
                SOON,
            );
        }
    }

    fn read(self, query: JobQuery, take: impl FnOnce(&mut Held, JobRows) + 'static) {
        self.is_loading.set(true);
        self.problem.set(None);
        let reading = self.begin_reading();
        spawn_local(async move {
            let read = list_jobs(&query).await;
            if !self.is_last(reading) {
                return;
            }
            self.is_loading.set(false);
            match read {
                Ok(read) => self.held.update(|held| take(held, read)),
                Err(_) => self.complain(start::UNREACHABLE),
            }
        });
    }

    fn complain(self, words: Text) {
        self.problem.try_set(Some(Problem {
            field: Field::List,
            message: words.into(),
            hint: String::new(),
        }));
    }

    fn begin_reading(self) -> u64 {
        self.readings
            .try_update_value(|readings| {
                *readings += 1;
                *readings
            })
            .unwrap_or_default()
    }

    /// False, too, when the list is gone.
    fn is_last(self, reading: u64) -> bool {
        self.readings.try_get_value() == Some(reading)
    }
}

fn keep_live(shared: Shared) {
    let unfinished = Memo::new(move |_| shared.held.with(Held::unfinished));
    Effect::new(move || {
        let tokens: Vec<_> = unfinished.get().into_iter().map(|id| watch(shared, id)).collect();
        on_cleanup(move || tokens.into_iter().for_each(live::unwatch));
    });
    Effect::new(move || {
        let submitted = address::on_submitted(move || shared.read_soon());
        let again = set_interval_with_handle(move || shared.read_again(), READ_AGAIN);
        on_cleanup(move || {
            submitted.remove();
            if let Ok(again) = again {
                again.clear();
            }
        });
    });
}

fn watch(shared: Shared, id: JobId) -> live::WatchToken {
    let after = shared.held.with_untracked(|held| held.job(id).map_or(0, |job| job.version));
    live::watch(id, after, move |event| {
        let folded = shared.held.try_maybe_update(|held| {
            let folded = held.fold(event);
            (folded != Folded::Stale, folded)
        });
        let line_moves =
            folded == Some(Folded::Applied) && shared.held.with_untracked(|held| held.line_moves_with(event));
        if line_moves {
            shared.read_soon();
        }
    })
}
