//! The list of recent jobs, live.

use std::time::Duration;

use domain::{JobId, JobStatus, JobView};
use leptos::either::Either;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::browser::reading::list_jobs;
use crate::erase::EraseOnServer as _;
use crate::given::Given;
use crate::live::{self, Folded, Now};
use crate::text;

/// The server tells of jobs that are watched, not of new ones: those come with the next reading.
const READ_AGAIN: Duration = Duration::from_secs(20);

#[island]
pub fn RecentJobs(jobs: Given<Vec<JobView>>) -> impl IntoView {
    let jobs = RwSignal::new(jobs.0);
    let unfinished = Memo::new(move |_| {
        jobs.with(|jobs| {
            let unfinished = jobs.iter().filter(|job| !job.status.is_terminal());
            unfinished.map(|job| job.id).collect::<Vec<_>>()
        })
    });
    Effect::new(move || {
        let tokens: Vec<_> = unfinished.get().into_iter().map(|id| watch(jobs, id)).collect();
        on_cleanup(move || tokens.into_iter().for_each(live::unwatch));
    });
    Effect::new(move || {
        if let Ok(handle) = set_interval_with_handle(move || read_again(jobs), READ_AGAIN) {
            on_cleanup(move || handle.clear());
        }
    });

    view! {
        <section class="recent" aria-labelledby="recent">
            <h2 id="recent">"Recent jobs"</h2>
            {move || {
                jobs.with(Vec::is_empty)
                    .then(|| {
                        view! {
                            <p class="empty">
                                "Nothing here yet. Paste a link or drop a file above: its captions show up while the rest is still being transcribed."
                            </p>
                        }
                    })
            }}
            <ul class="jobs">
                <For each=move || jobs.get() key=|job| job.id let:job>
                    <Row jobs first=job />
                </For>
            </ul>
        </section>
    }
    .erase_on_server()
}

#[component]
fn Row(jobs: RwSignal<Vec<JobView>>, first: JobView) -> impl IntoView {
    let id = first.id;
    let now = Now::get();
    let job = Memo::new(move |_| {
        let found = jobs.with(|jobs| jobs.iter().find(|job| job.id == id).cloned());
        found.unwrap_or_else(|| first.clone())
    });
    let created = job.with_untracked(|job| job.created_at);
    let state = move || {
        job.with(|job| match job.status {
            JobStatus::Failed => {
                let reason = job.failure.as_ref().map(|failure| failure.message.clone());
                Some(Either::Left(view! { <p class="reason">{reason}</p> }))
            }
            JobStatus::Running => {
                let percent = text::percent(job.progress).to_string();
                let label = format!("Progress of {}", job.title);
                Some(Either::Right(view! { <progress max="100" value=percent aria-label=label></progress> }))
            }
            JobStatus::Completed if job.cues == 0 => {
                Some(Either::Left(view! { <p class="reason">{Some("No speech was found.".into())}</p> }))
            }
            _ => None,
        })
    };
    view! {
        <li class="row" data-status=move || job.with(|job| job.status.as_str())>
            <a class="title" href=format!("/jobs/{id}")>{move || job.with(|job| job.title.clone())}</a>
            <p class="lamp-line">
                <span class="lamp" aria-hidden="true"></span>
                <span>{move || job.with(text::stage)}</span>
            </p>
            <p class="when">
                {move || job.with(|job| job.duration_ms).map(|ms| view! { <span>{text::clock(ms)}</span> })}
                <time datetime=created.to_string() title=text::moment(created)>
                    {move || now.get().map_or_else(|| text::moment(created), |now| text::ago(created, now))}
                </time>
            </p>
            {state}
        </li>
    }
    .erase_on_server()
}

fn watch(jobs: RwSignal<Vec<JobView>>, id: JobId) -> live::WatchToken {
    let after = jobs.with_untracked(|jobs| jobs.iter().find(|job| job.id == id).map_or(0, |job| job.version));
    live::watch(id, after, move |event| {
        let folded = jobs.try_maybe_update(|jobs| {
            let Some(index) = jobs.iter().position(|job| job.id == event.id) else {
                return (false, Folded::Stale);
            };
            let folded = live::fold_view(&mut jobs[index], event);
            if folded == Folded::Gone {
                jobs.remove(index);
            }
            (folded != Folded::Stale, folded)
        });
        let _ = folded;
    })
}

fn read_again(jobs: RwSignal<Vec<JobView>>) {
    if document().hidden() {
        return;
    }
    spawn_local(async move {
        // A list that is a little old is better than none; the next reading may work.
        let Ok(read) = list_jobs().await else { return };
        jobs.try_update(|jobs| {
            // Events may have been faster than this reading.
            let newer = |job: JobView| {
                let known = jobs.iter().find(|known| known.id == job.id && known.version > job.version);
                known.cloned().unwrap_or(job)
            };
            *jobs = read.into_iter().map(newer).collect();
        });
    });
}
