//! One job of the list.

use domain::{JobId, JobStatus};
use leptos::either::EitherOf3;
use leptos::prelude::*;

use super::Shared;
use crate::api::{Hit, JobRow};
use crate::erase::EraseOnServer as _;
use crate::live::Now;
use crate::text::{self, start};
use crate::tr::said;

#[component]
pub fn Row(shared: Shared, first: JobRow) -> impl IntoView {
    let id = first.job.id;
    let now = Now::get();
    let row = Memo::new(move |_| {
        let found = shared.held.with(|held| held.rows.iter().find(|row| row.job.id == id).cloned());
        found.unwrap_or_else(|| first.clone())
    });
    let created = row.with_untracked(|row| row.job.created_at);
    let title = Memo::new(move |_| row.with(|row| row.job.title.clone()));
    let state = move || {
        row.with(|JobRow { job, place, .. }| {
            let words = match job.status {
                JobStatus::Failed => job.failure.as_ref().map(|failure| said(&failure.message).into_owned()),
                JobStatus::Queued => place.map(start::place),
                JobStatus::Running => {
                    let percent = text::percent(job.progress).to_string();
                    let label = start::progress_of(&job.title);
                    let left = job.eta_ms.map(|eta| view! { <p class="reason">{text::remaining(eta)}</p> });
                    return EitherOf3::A(view! {
                        <progress max="100" value=percent aria-label=label></progress>
                        {left}
                    });
                }
                JobStatus::Completed if job.cues == 0 && job.video.is_none() => Some(start::NO_SPEECH.into()),
                _ => None,
            };
            match words {
                Some(words) => EitherOf3::B(view! { <p class="reason">{words}</p> }),
                None => EitherOf3::C(()),
            }
        })
    };
    let hits = move || {
        row.with(|row| {
            let lines: Vec<_> = row.hits.iter().map(|hit| view! { <Line id hit=hit.clone() /> }).collect();
            let more = (row.more_hits > 0)
                .then(|| view! { <li class="rest">{start::more_hits(row.more_hits)}</li> });
            (!lines.is_empty()).then(|| view! { <ul class="hits">{lines} {more}</ul> })
        })
    };
    let pick = move |event: leptos::ev::Event| {
        let is_picked = event_target_checked(&event);
        shared.picked.update(|picked| picked.set(id, is_picked));
    };
    view! {
        <li class="row" data-status=move || row.with(|row| row.job.status.as_str())>
            <input
                class="pick"
                type="checkbox"
                name="ids"
                value=id.to_string()
                aria-label=move || title.with(|title| start::select(title))
                prop:checked=move || shared.picked.with(|picked| picked.has(id))
                on:change=pick
            />
            <a class="title" href=format!("/jobs/{id}")>{title}</a>
            <p class="lamp-line">
                <span class="lamp" aria-hidden="true"></span>
                <span>{move || row.with(|row| text::stage(&row.job))}</span>
            </p>
            <p class="when">
                {move || row.with(|row| row.job.duration_ms).map(|ms| view! { <span>{text::clock(ms)}</span> })}
                {move || {
                    row.with(|row| row.job.language.as_deref().map(text::language))
                        .map(|language| view! { <span class="language">{language}</span> })
                }}
                <time datetime=created.to_string() title=text::moment(created)>
                    {move || now.get().map_or_else(|| text::moment(created), |now| text::ago(created, now))}
                </time>
            </p>
            {state}
            {hits}
        </li>
    }
    .erase_on_server()
}

/// Leads to its moment.
#[component]
fn Line(id: JobId, hit: Hit) -> impl IntoView {
    let Hit { start_ms, before, words, after } = hit;
    view! {
        <li>
            <a href=format!("/jobs/{id}?t={start_ms}")>
                <time>{text::clock(start_ms)}</time>
                <span>{before} <mark>{words}</mark> {after}</span>
            </a>
        </li>
    }
}
