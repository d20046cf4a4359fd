//! What is shown for an address that leads nowhere.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::tr::tr;

/// Sets the status of the response to 404.
#[component]
pub fn NotFound() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text=tr!("Not found") />
        <main id="content" class="lone" tabindex="-1">
            <h1>{tr!("There is nothing here")}</h1>
            <p>{tr!("The address is wrong, or the job was deleted or is past its time.")}</p>
            <p><a class="button" href="/">{tr!("Go to the start page")}</a></p>
        </main>
    }
}
