//! What a link to a job shows: the page, the player alone, and the page that says there is nothing.
//!
//! Rendered on the server alone, and whole without JavaScript; a few lines of script seek, and look again while the job
//! runs (`share/watch.js`). Nothing here knows the job's id: whoever has that may do everything with the job.

mod owner;
mod section;
mod words;

use domain::{Cue, JobStatus, Timestamp};
use leptos::prelude::*;

use crate::pages::{head, mark};
use crate::text;
use crate::tr::{Language, Text, html_attributes, in_language};
pub use owner::{Owned, page as owner_page};
pub(crate) use section::Sharing;

/// What is shown of a job.
#[derive(Debug, Clone)]
pub struct Shared {
    pub title: String,
    pub status: JobStatus,
    /// Done share of the whole, 0 to 1.
    pub fraction: f32,
    pub duration_ms: Option<u64>,
    /// BCP 47 tag of what is written.
    pub language: Option<String>,
    pub has_media: bool,
    /// It has its subtitles in it, and no track of its own.
    pub is_video: bool,
    pub cues: Vec<Cue>,
    /// Changes with the cues: the name of a track that is read anew.
    pub cues_version: String,
}

/// Where the parts of a shared page are.
#[derive(Debug, Clone)]
pub struct Address {
    /// `/share/LINK`
    pub link: String,
    /// Where the player starts.
    pub start: Option<Timestamp>,
    /// Of the policy that lets the script run.
    pub nonce: String,
}

/// The page of a link.
pub fn page(language: Option<&'static Language>, shared: &Shared, address: &Address) -> String {
    in_language(language, || whole(shared, address))
}

fn whole(shared: &Shared, address: &Address) -> String {
    let is_running = !shared.status.is_terminal();
    let content = view! {
        <header class="top"><span class="brand">{mark()} {words::NAME}</span></header>
        <main id="content" class="job shared" tabindex="-1" data-running=is_running.then_some("")>
            {lead(shared)}
            <p class="note" data-live="told">{words::told(shared)}</p>
            <div class="watch" class:bare=shared.is_video>
                <div class="stage">
                    <div data-live="player">{player(shared, address)}</div>
                    <div data-live="downloads">{(!shared.cues.is_empty()).then(|| downloads(&address.link))}</div>
                </div>
                {(!shared.is_video).then(|| transcript(shared))}
            </div>
        </main>
        {script(&address.nonce)}
    };
    document(&shared.title, "", is_running, content)
}

fn lead(shared: &Shared) -> AnyView {
    let facts = [shared.duration_ms.map(text::clock), shared.language.as_deref().map(text::language)];
    let facts = facts.into_iter().flatten().map(|fact| view! { <li>{fact}</li> }).collect_view();
    view! {
        <div class="lead">
            <h1>{shared.title.clone()}</h1>
            <ul class="facts" data-live="facts">{facts}</ul>
        </div>
    }
    .into_any()
}

fn downloads(link: &str) -> AnyView {
    let download = |(extension, name, about)| {
        let file = format!("{link}/track.{extension}?download=1");
        view! { <li><a class="button" download href=file><strong>{name}</strong><span>{about}</span></a></li> }
    };
    view! {
        <section class="downloads" aria-labelledby="downloads">
            <h2 id="downloads">{words::DOWNLOAD}</h2>
            <ul>{words::DOWNLOADS.into_iter().map(download).collect_view()}</ul>
        </section>
    }
    .into_any()
}

fn transcript(shared: &Shared) -> AnyView {
    view! {
        <section class="transcript" aria-labelledby="transcript">
            <header><h2 id="transcript">{words::TRANSCRIPT}</h2></header>
            <div class="frame" tabindex="0" role="group" aria-labelledby="transcript">
                <div role="list" data-live="lines">{lines(shared)}</div>
            </div>
        </section>
    }
    .into_any()
}

/// The player alone, as large as its frame.
pub fn embed(language: Option<&'static Language>, shared: &Shared, address: &Address) -> String {
    in_language(language, || framed(shared, address))
}

fn framed(shared: &Shared, address: &Address) -> String {
    let is_running = !shared.status.is_terminal();
    let content = view! {
        <main id="content" data-running=is_running.then_some("")>
            <h1 class="unseen">{shared.title.clone()}</h1>
            <div class="whole" data-live="player">{player(shared, address)}</div>
        </main>
        {script(&address.nonce)}
    };
    document(&shared.title, "embed", is_running, content)
}

/// For every link that opens nothing, whyever.
pub fn gone(language: Option<&'static Language>) -> String {
    in_language(language, || alone(words::GONE, words::GONE_WHY))
}

/// For trouble of ours.
pub fn unavailable(language: Option<&'static Language>) -> String {
    in_language(language, || alone(words::UNAVAILABLE, words::UNAVAILABLE_WHAT_TO_DO))
}

/// HTML for a page of another site, which shows the player there. `url` is that of the link.
pub fn snippet(url: &str, title: &str) -> String {
    let escape = |text: &str| text::escape_markup(text).replace('"', "&quot;");
    format!(
        "<iframe src=\"{}/embed\" title=\"{}\" width=\"640\" height=\"360\" style=\"border: 0\" loading=\"lazy\" \
         allow=\"fullscreen; picture-in-picture\" referrerpolicy=\"no-referrer\"></iframe>",
        escape(url),
        escape(title)
    )
}

fn alone(heading: Text, why: Text) -> String {
    let content = view! {
        <main id="content" class="lone" tabindex="-1">
            <h1>{heading}</h1>
            <p>{why}</p>
        </main>
    };
    document(heading.get(), "", false, content)
}

fn player(shared: &Shared, address: &Address) -> AnyView {
    let link = &address.link;
    if !shared.has_media {
        return view! { <div class="player none"><p>{words::no_media(shared.status)}</p></div> }.into_any();
    }
    // The browser goes there by itself, with a script or without.
    let media = match address.start {
        Some(start) => format!("{link}/media#t={:.3}", start.as_secs_f64()),
        None => format!("{link}/media"),
    };
    let track = format!("{link}/track.vtt?v={}", shared.cues_version);
    let language = shared.language.clone().unwrap_or_else(|| "und".into());
    view! {
        <div class="player">
            <video controls preload="metadata" playsinline src=media aria-label=shared.title.clone()>
                {(!shared.is_video)
                    .then(|| view! { <track kind="captions" label=words::CAPTIONS srclang=language src=track default /> })}
            </video>
            // To a screen reader the transcript says the same.
            <p class="spoken" aria-hidden="true"></p>
            <p class="note" role="status" hidden>{words::UNPLAYABLE}</p>
        </div>
    }
    .into_any()
}

/// A time is a link, so that it works without JavaScript too.
fn lines(shared: &Shared) -> AnyView {
    if shared.cues.is_empty() {
        return view! { <p class="waiting">{words::no_cues(shared.status)}</p> }.into_any();
    }
    let line = |cue: &Cue| {
        let address = shared.has_media.then(|| format!("?t={}", cue.start.0));
        view! {
            <div class="line" role="listitem" data-start=format!("{:.3}", cue.start.as_secs_f64())>
                <a class="cue" href=address><time>{text::clock(cue.start.0)}</time></a>
                <p class="words" dir="auto">{cue.text.clone()}</p>
            </div>
        }
    };
    shared.cues.iter().map(line).collect_view().into_any()
}

fn script(nonce: &str) -> AnyView {
    view! { <script nonce=nonce.to_owned() inner_html=include_str!("share/watch.js")></script> }.into_any()
}

/// `reads_itself_again`: without JavaScript.
fn document(title: &str, class: &'static str, reads_itself_again: bool, content: impl IntoView) -> String {
    let again =
        reads_itself_again.then(|| view! { <noscript><meta http-equiv="refresh" content="10" /></noscript> });
    let (lang, dir) = html_attributes();
    let document = view! {
        <!DOCTYPE html>
        <html lang=lang dir=dir>
            <head>
                {head("/share/favicon.svg", "/share/cuelight.css".into())}
                <meta name="robots" content="noindex" />
                <title>{text::tab_title(title)}</title>
                {again.into_any()}
            </head>
            <body class=class>{content.into_any()}</body>
        </html>
    };
    document.to_html()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared {
            title: "</title><script>alert(1)</script>".into(),
            status: JobStatus::Completed,
            fraction: 1.0,
            duration_ms: Some(65_000),
            language: Some("en".into()),
            has_media: true,
            is_video: false,
            cues: vec![Cue {
                start: Timestamp(1_500),
                end: Timestamp(3_000),
                text: "<img src=x onerror=alert(1)>".into(),
                doubts: Vec::new(),
            }],
            cues_version: "1.0".into(),
        }
    }

    fn address() -> Address {
        Address { link: "/share/a.b".into(), start: Some(Timestamp(1_500)), nonce: "n0nce".into() }
    }

    #[test]
    fn what_people_wrote_stays_text() {
        for html in [page(None, &shared(), &address()), embed(None, &shared(), &address())] {
            assert!(!html.contains("<script>alert") && !html.contains("<img"), "{html}");
            assert!(html.contains("&lt;/title&gt;"), "{html}");
        }
        assert!(page(None, &shared(), &address()).contains("&lt;img src=x"));
        let snippet = snippet("http://a.example/share/x", "\"><script>");
        assert!(snippet.contains("title=\"&quot;&gt;&lt;script&gt;\""), "{snippet}");
    }

    #[test]
    fn the_player_starts_where_the_address_says_and_its_captions_are_on() {
        let html = page(None, &shared(), &address());
        assert!(html.contains("src=\"/share/a.b/media#t=1.500\""), "{html}");
        assert!(html.contains("src=\"/share/a.b/track.vtt?v=1.0\" default"), "{html}");
        assert!(html.contains("href=\"?t=1500\""), "{html}");
    }

    #[test]
    fn a_running_job_says_so_and_an_ended_one_does_not_look_again() {
        let running = Shared { status: JobStatus::Running, fraction: 0.42, ..shared() };
        let html = page(None, &running, &address());
        assert!(
            html.contains("42 %") && html.contains("data-running=") && html.contains("refresh"),
            "{html}"
        );
        let html = page(None, &shared(), &address());
        assert!(!html.contains("data-running=") && !html.contains("http-equiv=\"refresh\""), "{html}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let bare = Shared { has_media: false, cues: Vec::new(), ..shared() };
        for (status, expect) in [
            (JobStatus::Running, words::no_media(JobStatus::Running)),
            (JobStatus::Completed, words::no_media(JobStatus::Completed)),
            (JobStatus::Failed, words::no_cues(JobStatus::Failed)),
        ] {
            let html = page(None, &Shared { status, ..bare.clone() }, &address());
            assert!(html.contains(expect) && !html.contains("<video"), "{html}");
        }
    }
}
