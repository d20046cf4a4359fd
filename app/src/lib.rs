//! The pages: rendered on the server, hydrated in the browser.

pub mod api;
