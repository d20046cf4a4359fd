//! The page where an owner makes and revokes links without JavaScript.

use domain::{JobId, NewShare, ShareView};
use leptos::prelude::*;

use super::words;
use crate::components::ExpirySelect;
use crate::pages::{Header, head};
use crate::problem::Problem;
use crate::text;
use crate::tr::{Language, fill, html_attributes, in_language};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Owned {
    pub job: JobId,
    pub title: String,
    pub shares: Vec<ShareView>,
    /// The link that was just made: its secret is told now or never.
    pub made: Option<NewShare>,
    /// The code of an error.
    pub refusal: Option<String>,
}

pub fn page(language: Option<&'static Language>, owned: &Owned) -> String {
    in_language(language, || document(owned))
}

fn document(owned: &Owned) -> String {
    let title = words::owner_title(&owned.title);
    let (lang, dir) = html_attributes();
    let document = view! {
        <!DOCTYPE html>
        <html lang=lang dir=dir>
            <head>
                {head("/favicon.svg", "/pkg/cuelight.css".into())}
                <title>{text::tab_title(&title)}</title>
            </head>
            <body>
                <Header />
                {content(owned, title)}
            </body>
        </html>
    };
    document.to_html()
}

fn content(owned: &Owned, title: String) -> AnyView {
    let Owned { job, shares, made, refusal, .. } = owned;
    view! {
        <main id="content" class="sharing" tabindex="-1">
            <div class="lead">
                <h1>{title}</h1>
                <p>{words::ABOUT}</p>
                <p><a href=format!("/jobs/{job}")>{words::BACK}</a></p>
            </div>
            {refusal.as_deref().map(refused)}
            {made.clone().map(fresh)}
            <form class="make" method="post" action=format!("/jobs/{job}/shares")>
                <ExpirySelect />
                <button class="button primary" type="submit">{words::CREATE}</button>
            </form>
            <h2>{words::LINKS}</h2>
            {list(*job, shares)}
        </main>
    }
    .into_any()
}

fn refused(code: &str) -> AnyView {
    let Problem { message, hint, .. } = Problem::told(code, "form", 0);
    view! { <p class="gone" role="alert"><strong>{message}</strong> " " {hint}</p> }.into_any()
}

fn fresh(made: NewShare) -> AnyView {
    let works_until = fill(words::WORKS_UNTIL.get(), &[&text::moment(made.expires_at)]);
    view! {
        <div class="fresh" role="status">
            <p>{works_until}</p>
            <label for="share-url">{words::LINK}</label>
            <input id="share-url" type="text" readonly value=made.url />
            <label for="share-embed">{words::EMBED}</label>
            <input id="share-embed" type="text" readonly value=made.embed />
        </div>
    }
    .into_any()
}

fn list(job: JobId, shares: &[ShareView]) -> AnyView {
    if shares.is_empty() {
        return view! { <p class="note">{words::NO_LINKS}</p> }.into_any();
    }
    let row = |share: &ShareView| {
        let action = format!("/jobs/{job}/shares/{}/revoke", share.id);
        let made = text::moment(share.created_at);
        let works = fill(words::MADE.get(), &[&made, &text::moment(share.expires_at)]);
        let label = fill(words::REVOKE_LINK.get(), &[&made]);
        view! {
            <li>
                <span>{works}</span>
                <form method="post" action=action>
                    <button class="button small" type="submit" aria-label=label>{words::REVOKE}</button>
                </form>
            </li>
        }
    };
    view! { <ul class="links">{shares.iter().map(row).collect_view()}</ul> }.into_any()
}
