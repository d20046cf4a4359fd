//! How a job is doing, and why.

use domain::{JobStatus, JobView, Task};
use leptos::either::EitherOf4;
use leptos::prelude::*;

use crate::erase::EraseOnServer as _;
use crate::live::{JobState, Now};
use crate::text;
use crate::tr::{said, tr, tr_count};

/// One line: what is known of the media and of the wish.
#[component]
pub fn Facts(state: RwSignal<JobState>) -> impl IntoView {
    let facts = move || {
        state.with(|JobState { job, .. }| {
            let mut facts = Vec::new();
            facts.extend(job.duration_ms.map(text::clock));
            let spoken = job.language.as_deref().map(|tag| text::spoken(tag, job.language_confidence));
            facts.extend(job.video.map(|video| text::video(video.how).into()));
            let is_unheard = job.video.is_none() && spoken.is_none() && !job.status.is_terminal();
            facts.extend(spoken.or_else(|| is_unheard.then(|| tr!("Language not heard yet").into())));
            facts.extend((job.task == Task::Translate).then(|| tr!("into English").into()));
            let model = job.model.as_ref().filter(|_| job.video.is_none());
            facts.extend(model.map(|model| tr!("Model {0}", model)));
            facts
        })
    };
    let (created, url) = state.with_untracked(|state| (state.job.created_at, state.job.url.clone()));
    let now = Now::get();
    // Whoever made the link, only these two kinds are followed from here.
    let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    view! {
        <ul class="facts">
            {move || facts().into_iter().map(|fact| view! { <li>{fact}</li> }).collect_view()}
            <li>
                {tr!("Submitted")} " "
                <time datetime=created.to_string() title=text::moment(created)>
                    {move || now.get().map_or_else(|| text::moment(created), |now| text::ago(created, now))}
                </time>
            </li>
            {url.map(|url| view! { <li><a href=url rel="external noreferrer">{tr!("Source")}</a></li> })}
        </ul>
    }
    .erase_on_server()
}

/// Progress while it runs; what came of it when it ended.
#[component]
pub fn Status(state: RwSignal<JobState>) -> impl IntoView {
    let job = Memo::new(move |_| state.with(|state| state.job.clone()));
    let status = Memo::new(move |_| job.with(|job| job.status));
    view! {
        <section class="status" aria-label=tr!("Status") data-status=move || status.get().as_str()>
            <p class="lamp-line">
                <span class="lamp" aria-hidden="true"></span>
                // Said aloud when the stage changes, not with every percent.
                <strong role="status">{move || job.with(text::headline)}</strong>
                <Numbers job />
            </p>
            {move || match status.get() {
                JobStatus::Queued | JobStatus::Running => EitherOf4::A(view! { <Progress job /> }),
                JobStatus::Failed => EitherOf4::B(view! { <Reason job /> }),
                JobStatus::Cancelled => {
                    let kept = job.with_untracked(|job| job.cues > 0);
                    let words = if kept { tr!("What was transcribed before is below.") } else { "" };
                    EitherOf4::C(view! { <p>{words} " " {tr!("Retry it to start over.")}</p> })
                }
                JobStatus::Completed => EitherOf4::D(view! { <Silence job /> }),
            }}
        </section>
    }
    .erase_on_server()
}

/// Percent, time gone and time left.
#[component]
fn Numbers(job: Memo<JobView>) -> impl IntoView {
    let now = Now::get();
    let numbers = move || {
        job.with(|job| {
            let mut numbers = Vec::new();
            if job.status == JobStatus::Running && job.progress > 0.0 {
                numbers.push(format!("{} %", text::percent(job.progress)));
                numbers.extend(job.eta_ms.map(text::remaining));
            }
            if !job.status.is_terminal() {
                // The browser's clock may lag behind the server's.
                let elapsed = now.get().map(|now| (now - job.created_at.as_millisecond()).max(0) as u64);
                numbers.extend(elapsed.map(|ms| tr!("{0} elapsed", text::clock(ms))));
            } else if let Some(finished) = job.finished_at.filter(|_| job.status == JobStatus::Completed) {
                let took = (finished.as_millisecond() - job.created_at.as_millisecond()).max(0) as u64;
                numbers.push(tr!("in {0}", text::clock(took.max(1000))));
                if job.cues > 0 {
                    numbers.push(tr_count!(job.cues, "{0} cue", "{0} cues"));
                }
            }
            numbers.join(" · ")
        })
    };
    view! { <span class="numbers">{numbers}</span> }
}

#[component]
fn Progress(job: Memo<JobView>) -> impl IntoView {
    let now = Now::get();
    let words = move || {
        job.with(|job| {
            if job.status != JobStatus::Queued {
                return None;
            }
            let waited = now.get().map_or(0, |now| now - job.created_at.as_millisecond());
            Some(if waited > 30_000 {
                tr!("All workers are busy, or none is running. This job keeps its place; you may close this page and come back.")
            } else {
                tr!("It starts as soon as a worker is free. You may close this page and come back: its address stays the same.")
            })
        })
    };
    let percent = move || job.with(|job| text::percent(job.progress).to_string());
    view! {
        <progress max="100" value=percent aria-label=tr!("Progress")>{move || job.with(text::stage)}</progress>
        {move || words().map(|words| view! { <p>{words}</p> })}
        // Raw, as on the whole page: hydration must not look inside.
        <noscript inner_html="<p>This page reads itself again every 5 seconds. <a href=\"?hold=1\">Hold it still</a> to choose something.</p>"></noscript>
    }
    .erase_on_server()
}

#[component]
fn Reason(job: Memo<JobView>) -> impl IntoView {
    move || {
        let failure = job.get().failure?;
        Some(view! {
            <div class="failure" role="alert" data-code=failure.code>
                <p class="reason">{said(&failure.message).into_owned()}</p>
                <p>{said(&failure.hint).into_owned()}</p>
            </div>
        })
    }
}

#[component]
fn Silence(job: Memo<JobView>) -> impl IntoView {
    move || {
        (job.with(|job| job.cues == 0 && job.video.is_none())).then(|| {
            view! { <p>{tr!("No speech was found. If there is some, retry with the language set by hand or with a larger model.")}</p> }
        })
    }
}
