//! The pages: rendered on the server, hydrated in the browser.

pub mod api;
mod browser;
mod components;
mod editor;
pub mod live;
mod pages;
mod problem;
mod text;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use components::{Header, Reconnecting};
use live::Now;

/// Every page, under one header. Both halves of the build render exactly this.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Now::provide();
    let lost = RwSignal::new(false);
    Effect::new(move || live::show_reconnecting(lost));
    // Pages wait for their data: a page has its status code, and is whole without JavaScript.
    view! {
        <Title formatter=tab_title />
        <Header />
        <Reconnecting lost />
        <Router>
            <Routes fallback=pages::NotFound>
                <Route path=path!("/") view=pages::StartPage ssr=SsrMode::Async />
                <Route path=path!("/jobs/:id") view=pages::JobPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}

/// What the tab says. Leptos writes it into the document as it is, and sets it as text in the browser.
fn tab_title(title: String) -> String {
    let title = if title.is_empty() { "Cuelight".into() } else { format!("{title} · Cuelight") };
    if cfg!(feature = "ssr") {
        title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    } else {
        title
    }
}

/// The document around the app; the server calls it for every page.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    use leptos_meta::MetaTags;

    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href="/pkg/cuelight.css" />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Called once by the page's script, when the WASM is loaded.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}
