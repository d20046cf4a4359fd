//! The document and one module for each page. All of it is rendered on the server and is not in the WASM.

mod job;
mod keys;
mod not_found;
mod start;
mod unavailable;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::components::Reconnecting;
use crate::live::Now;
use crate::text;
use crate::tr::{self, Language, tr};
use job::JobPage;
use not_found::NotFound;
use start::StartPage;
use unavailable::Unavailable;

/// Addresses of the files that pages load. Each names the version of what is in it, so that browsers may keep it.
#[derive(Debug, Clone)]
pub struct Assets {
    pub style: String,
    pub start: Part,
    pub job: Part,
    pub editor: Part,
}

/// What wakes up the islands of one page.
#[derive(Debug, Clone)]
pub struct Part {
    pub script: String,
    pub wasm: String,
}

/// The document; the server calls it for every page.
/// `is_operator`: whoever asks may see the page of operators.
pub fn shell(assets: Assets, is_operator: bool) -> impl IntoView {
    let style = assets.style.clone();
    let (language, direction) = tr::html_attributes();
    provide_context(assets);
    view! {
        <!DOCTYPE html>
        <html lang=language dir=direction>
            <head>
                {head("/favicon.svg", style)}
                <MetaTags />
            </head>
            <body>
                <App />
                {is_operator.then(|| view! { <footer class="bottom"><a href="/ops">{tr!("Operations")}</a></footer> })}
            </body>
        </html>
    }
}

/// What stands at the head of every document.
pub fn head(icon: &'static str, style: String) -> impl IntoView {
    view! {
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href=icon type="image/svg+xml" />
        <link rel="stylesheet" href=style />
    }
}

/// Every page, under one header.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Now::provide();
    // Pages wait for their data: a page has its status code, and is whole without JavaScript.
    view! {
        <Title formatter=title_markup />
        <Header />
        <Reconnecting />
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=StartPage ssr=SsrMode::Async />
                <Route path=path!("/jobs/:id") view=JobPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}

/// Stands at the head of a page that lives.
#[component]
fn WakeUp(part: Part) -> impl IntoView {
    let Part { script, wasm } = part;
    let texts = tr::current().map(Language::address);
    // Leptos's own script waits until the browser is idle, for ever if need be, and walks through every element.
    let read = texts.as_ref().map(|address| format!("fetch({address:?}).then((texts) => texts.text())"));
    let read = read.unwrap_or_else(|| "''".to_owned());
    let start = format!(
        "import start, * as page from {script:?};\n\
         const texts = {read};\n\
         await start({{ module_or_path: {wasm:?} }});\n\
         page.hydrate(await texts);\n\
         for (const island of document.querySelectorAll('leptos-island')) page[island.dataset.component](island);"
    );
    view! {
        <link rel="modulepreload" href=script />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="" />
        {texts.map(|address| view! { <link rel="preload" href=address r#as="fetch" crossorigin="" /> })}
        <script type="module" nonce=use_nonce()>{start}</script>
    }
}

#[component]
pub fn Header() -> impl IntoView {
    view! {
        <a class="skip" href="#content">{tr!("Skip to the content")}</a>
        <header class="top">
            <a class="brand" href="/">
                {mark()}
                "Cuelight"
            </a>
        </header>
    }
}

/// The lamp and the lines beside the name.
pub fn mark() -> AnyView {
    view! {
        <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
            <circle class="lamp" cx="16" cy="12" r="7" />
            <path class="lines" d="M5 26h12M21 26h6" />
        </svg>
    }
    .into_any()
}

/// What the tab says, as markup: Leptos writes it into the document as it is.
fn title_markup(title: String) -> String {
    text::escape_markup(&text::tab_title(&title))
}
