//! What is shown when the backend did not answer.

use leptos::prelude::*;

use crate::tr::tr;

/// Sets the status of the response to 503.
#[component]
pub fn Unavailable() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::SERVICE_UNAVAILABLE);
    }
    view! {
        <div class="unavailable" role="alert">
            <h2>{tr!("The backend did not answer")}</h2>
            <p>{tr!("Your jobs are safe. Try again in a few seconds.")}</p>
            <p><a class="button" href="" rel="external">{tr!("Try again")}</a></p>
        </div>
    }
}
