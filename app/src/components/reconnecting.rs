//! Whether the page still hears the server.

use leptos::prelude::*;

use crate::erase::EraseOnServer as _;
use crate::live;
use crate::tr::tr;

/// Told when live updates are lost; nothing while all is well.
#[island]
pub fn Reconnecting() -> impl IntoView {
    let lost = RwSignal::new(false);
    Effect::new(move || live::show_reconnecting(lost));
    view! {
        <div role="status" class="reconnecting">
            {move || lost.get().then(|| view! { <p>{tr!("Live updates are interrupted; reconnecting …")}</p> })}
        </div>
    }
    .erase_on_server()
}
