//! What is shown for an address that leads nowhere.

use leptos::prelude::*;
use leptos_meta::Title;

/// Sets the status of the response to 404.
#[component]
pub fn NotFound() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found" />
        <main id="content" class="lone" tabindex="-1">
            <h1>"There is nothing here"</h1>
            <p>"The address is wrong, or the job was deleted or is past its time."</p>
            <p><a class="button" href="/">"Go to the start page"</a></p>
        </main>
    }
}
