//! The pages: rendered on the server. What is live in them are islands, which the browser hydrates.

// What one page's WASM leaves out is in another's, and all of it on the server.
#![cfg_attr(not(feature = "ssr"), allow(dead_code, unused_imports))]

pub mod api;
mod browser;
mod components;
mod editor;
mod erase;
mod given;
pub mod live;
#[cfg(feature = "ssr")]
pub mod ops;
#[cfg(feature = "ssr")]
mod pages;
mod problem;
#[cfg(feature = "ssr")]
pub mod share;
mod text;
pub mod tr;

#[cfg(feature = "ssr")]
pub use pages::{App, Assets, Part, shell};

/// Called once by the page's script when the WASM is loaded, before the first island. `texts` are those of the page's
/// language, and empty in English.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate(texts: String) {
    tr::load(texts);
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
    live::Now::provide();
}
