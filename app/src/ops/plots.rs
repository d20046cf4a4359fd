//! How the last day went: sums, failures by reason, and plots of 24 hours.

use domain::WallTime;
use leptos::prelude::*;
use serde::Serialize;

use super::words;
use crate::tr::{Text, said};

/// The jobs that ended in this hour and the 23 before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Day {
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Length of the media of completed jobs.
    pub media_ms: u64,
    /// Time from the first start of a job to its end, by the length of its media; of completed jobs that neither
    /// failed nor crashed on the way.
    pub real_time_factor: Option<f64>,
    /// Most frequent first.
    pub failures: Vec<FailureCount>,
    /// Oldest first.
    pub hours: Vec<Hour>,
    /// More jobs ended than this server has read: those that ended before are missing.
    pub complete_since: Option<WallTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureCount {
    pub code: String,
    /// As one of the jobs says it.
    pub message: String,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hour {
    pub begin: WallTime,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub media_ms: u64,
    /// As in [`Day`].
    pub real_time_factor: Option<f64>,
}

pub fn day(day: &Day) -> AnyView {
    if day.completed + day.failed + day.cancelled == 0 {
        return view! { <p class="empty">{words::NOTHING_ENDED}</p> }.into_any();
    }
    let sums = [
        words::ended(day.completed, day.failed, day.cancelled),
        words::minutes_of_media(day.media_ms),
        day.real_time_factor.map_or_else(|| words::SPEED_NOT_KNOWN.into(), words::speed),
    ];
    let sums = sums.into_iter().map(|sum| view! { <li>{sum}</li> }).collect_view();
    let jobs = day.hours.iter().map(|hour| {
        let Hour { completed, failed, cancelled, .. } = *hour;
        let told = words::ended(completed, failed, cancelled);
        let parts =
            vec![("completed", completed as f64), ("failed", failed as f64), ("cancelled", cancelled as f64)];
        Bar { hour: words::hour(hour.begin), told, parts }
    });
    let media = day.hours.iter().map(|hour| {
        let told = words::minutes_of_media(hour.media_ms);
        Bar { hour: words::hour(hour.begin), told, parts: vec![("media", hour.media_ms as f64 / 60_000.0)] }
    });
    let speed = day.hours.iter().map(|hour| {
        let told = hour.real_time_factor.map_or_else(|| words::NOT_KNOWN.into(), words::speed);
        let times = hour.real_time_factor.map_or(0.0, |factor| 1.0 / factor.max(0.001));
        Bar { hour: words::hour(hour.begin), told, parts: vec![("media", times)] }
    });
    let missing = day.complete_since.map(|since| {
        view! { <p class="note">{words::missing_before(since)}</p> }
    });
    view! {
        <ul class="facts">{sums}</ul>
        {missing}
        <div class="plots">
            {plot(words::JOBS_BY_HOUR, &jobs.collect::<Vec<_>>())}
            {plot(words::MEDIA_BY_HOUR, &media.collect::<Vec<_>>())}
            {plot(words::SPEED_BY_HOUR, &speed.collect::<Vec<_>>())}
        </div>
        <p class="note">{words::SPEED_IS}</p>
        {failures(&day.failures)}
        {table(&day.hours)}
    }
    .into_any()
}

/// One hour of a plot.
struct Bar {
    hour: String,
    told: String,
    /// From the bottom to the top: class and value.
    parts: Vec<(&'static str, f64)>,
}

impl Bar {
    fn height(&self) -> f64 {
        self.parts.iter().map(|(_, value)| value).sum()
    }
}

/// The picture is stretched to its place, so its words stand around it. The numbers are in the table too.
fn plot(title: Text, bars: &[Bar]) -> AnyView {
    const HEIGHT: f64 = 100.0;
    let highest = bars.iter().max_by(|a, b| a.height().total_cmp(&b.height()));
    let most = highest.map_or(0.0, Bar::height);
    let scale = if most > 0.0 { HEIGHT / most } else { 0.0 };
    let columns = bars.iter().enumerate().map(|(number, bar)| {
        let left = number * 10;
        let mut top = HEIGHT;
        let rects = bar.parts.iter().map(|(class, value)| {
            let height = value * scale;
            top -= height;
            view! { <rect class=*class x=(left + 1).to_string() y=format!("{top:.1}") width="8" height=format!("{height:.1}") /> }
        });
        let rects = rects.collect_view();
        let words = words::at_hour(&bar.hour, &bar.told);
        view! {
            <g>
                <title>{words}</title>
                <rect class="hour" x=left.to_string() y="0" width="10" height="100" />
                {rects}
            </g>
        }
    });
    let columns = columns.collect_view();
    let peak = highest.filter(|bar| bar.height() > 0.0).map(|bar| words::most(&bar.hour, &bar.told));
    let label = match &peak {
        Some(peak) => format!("{title}. {peak}."),
        None => title.into(),
    };
    let ends = [bars.first(), bars.get(bars.len() / 2), bars.last()];
    let ends = ends.into_iter().flatten().map(|bar| view! { <span>{bar.hour.clone()}</span> }).collect_view();
    view! {
        <figure>
            <figcaption><strong>{title}</strong><span>{peak}</span></figcaption>
            <svg role="img" aria-label=label viewBox=format!("0 0 {} 100", bars.len() * 10) preserveAspectRatio="none">
                {columns}
            </svg>
            <p class="axis" aria-hidden="true">{ends}</p>
        </figure>
    }
    .into_any()
}

fn failures(failures: &[FailureCount]) -> AnyView {
    if failures.is_empty() {
        return ().into_any();
    }
    let rows = failures.iter().map(|failure| {
        let FailureCount { code, message, count } = failure.clone();
        let message = said(&message).into_owned();
        view! { <tr><td>{count}</td><th scope="row">{message} " " <code>{code}</code></th></tr> }
    });
    view! {
        <h3 id="failures">{words::FAILURES}</h3>
        <div class="scroll" tabindex="0" role="region" aria-labelledby="failures">
            <table>
                <thead><tr>{heads(&words::FAILURE_HEADS)}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn heads(heads: &[Text]) -> impl IntoView + use<> {
    heads.iter().map(|head| view! { <th scope="col">{*head}</th> }).collect_view()
}

fn table(hours: &[Hour]) -> AnyView {
    let rows = hours.iter().rev().map(|hour| {
        let speed = hour.real_time_factor.map_or_else(|| "–".to_owned(), words::speed);
        view! {
            <tr>
                <th scope="row">{words::hour(hour.begin)}</th>
                <td>{hour.completed}</td>
                <td>{hour.failed}</td>
                <td>{hour.cancelled}</td>
                <td>{words::minutes(hour.media_ms)}</td>
                <td>{speed}</td>
            </tr>
        }
    });
    view! {
        <details class="more">
            <summary>{words::NUMBERS}</summary>
            <div class="scroll" tabindex="0" role="region" aria-label=words::NUMBERS>
                <table>
                    <thead><tr>{heads(&words::HOUR_HEADS)}</tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
