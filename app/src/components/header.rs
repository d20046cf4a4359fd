//! What stands above every page.

use leptos::prelude::*;

#[component]
pub fn Header() -> impl IntoView {
    view! {
        <a class="skip" href="#content" rel="external">"Skip to the content"</a>
        <header class="top">
            // Anew, whatever the list was narrowed down to.
            <a class="brand" href="/" rel="external">
                <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
                    <circle class="lamp" cx="16" cy="12" r="7" />
                    <path class="lines" d="M5 26h12M21 26h6" />
                </svg>
                "Cuelight"
            </a>
        </header>
    }
    .into_any()
}

/// Told when live updates are lost; nothing while all is well.
#[component]
pub fn Reconnecting(#[prop(into)] lost: Signal<bool>) -> impl IntoView {
    view! {
        <div role="status" class="reconnecting">
            {move || lost.get().then(|| view! { <p>"Live updates are interrupted; reconnecting …"</p> })}
        </div>
    }
    .into_any()
}
