//! The folded part of a job's page where links are made. A plain form, and a page behind it; with a few lines of script
//! (`section.js`) everything happens in place. Not an island: who watches a job should not load what few will open.

use std::collections::BTreeMap;

use domain::JobId;
use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::words;
use crate::components::ExpirySelect;
use crate::problem::Problem;
use crate::tr::{self, Text};

#[component]
pub fn Sharing(job: JobId) -> impl IntoView {
    let page = format!("/jobs/{job}/shares");
    view! {
        <details
            class="again sharing"
            data-address=format!("/api/v1/jobs/{job}/shares")
            data-copied=words::COPIED
            data-not-copied=words::NOT_COPIED
            data-revoked=words::REVOKED
            data-lost=words::LOST
            data-problems=problems()
        >
            <summary>{words::SHARE}</summary>
            <p class="note">{words::ABOUT}</p>
            <form class="make" method="post" action=page.clone()>
                <ExpirySelect />
                <button class="button" type="submit">{words::CREATE}</button>
            </form>
            <p class="problem" role="alert"></p>
            {fresh()}
            <p class="note" role="status"></p>
            {list()}
            <p class="behind"><a rel="external" href=page>{words::ALL_LINKS}</a></p>
        </details>
        <script type="module" nonce=use_nonce() inner_html=include_str!("section.js")></script>
    }
    .into_any()
}

/// What the HTTP interface says in English, in another language by its codes.
fn problems() -> Option<String> {
    tr::current()?;
    let said = ["expires_in", "share_not_found", "too_many_shares", "unavailable"].map(|code| {
        let Problem { message, hint, .. } = Problem::told(code, "form", 0);
        (code, format!("{message} {hint}"))
    });
    serde_json::to_string(&BTreeMap::from(said)).ok()
}

/// The text with a time in each of its places. The script fills them in, by what they are `of` the link.
fn with_times(text: Text, of: &[&'static str]) -> AnyView {
    let mut parts = text.get().split('{');
    let ahead = parts.next();
    let rest = parts.map(|part| {
        let (place, behind) = part.split_once('}').unwrap_or(("", part));
        let of = place.parse().ok().and_then(|place: usize| of.get(place).copied());
        view! { {of.map(|of| view! { <time data-of=of></time> })} {behind} }
    });
    view! { {ahead} {rest.collect_view()} }.into_any()
}

/// For the new link, to be copied now.
fn fresh() -> AnyView {
    let field = |id: &'static str, label: Text, copy: Text| {
        view! {
            <label for=id>{label}</label>
            <input id=id type="text" readonly />
            <button class="button" type="button" data-copy=id aria-label=copy>{words::COPY}</button>
        }
    };
    view! {
        <div class="fresh" hidden>
            <p>{with_times(words::WORKS_UNTIL, &["expires_at"])}</p>
            {field("share-url", words::LINK, words::COPY_LINK)}
            {field("share-embed", words::EMBED, words::COPY_EMBED)}
        </div>
    }
    .into_any()
}

/// For the links that work, each as in the template.
fn list() -> AnyView {
    view! {
        <div class="all" hidden>
            <h2 tabindex="-1">{words::LINKS}</h2>
            <p class="note">{words::NO_LINKS}</p>
            <ul class="links"></ul>
            <template>
                <li>
                    <span>{with_times(words::MADE, &["created_at", "expires_at"])}</span>
                    <button class="button small" type="button">
                        <span aria-hidden="true">{words::REVOKE}</span>
                        <span class="unseen">{with_times(words::REVOKE_LINK, &["created_at"])}</span>
                    </button>
                </li>
            </template>
        </div>
    }
    .into_any()
}
