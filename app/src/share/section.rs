//! The folded part of a job's page where links are made. A plain form, and a page behind it; with a few lines of script
//! (`section.js`) everything happens in place. Not an island: who watches a job should not load what few will open.

use domain::JobId;
use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::words;
use crate::components::ExpirySelect;

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

/// For the new link, to be copied now.
fn fresh() -> AnyView {
    let field = |id: &'static str, label: &'static str, copy: &'static str| {
        view! {
            <label for=id>{label}</label>
            <input id=id type="text" readonly />
            <button class="button" type="button" data-copy=id aria-label=copy>{words::COPY}</button>
        }
    };
    view! {
        <div class="fresh" hidden>
            <p>{words::WORKS_UNTIL} " " <time data-of="expires_at"></time> ". " {words::TOLD_ONCE}</p>
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
                    <span>
                        {words::MADE} " " <time data-of="created_at"></time> {words::AND_WORKS_UNTIL} " "
                        <time data-of="expires_at"></time>
                    </span>
                    <button class="button small" type="button">
                        {words::REVOKE}
                        <span class="unseen">" " {words::LINK_OF} " " <time data-of="created_at"></time></span>
                    </button>
                </li>
            </template>
        </div>
    }
    .into_any()
}
