//! All keys of the transcript, in a window of their own. It is opened by a key, and closes by itself.

use leptos::prelude::*;

use crate::editor::words::{self, Keys};

#[component]
pub fn Help(is_editing: bool) -> impl IntoView {
    let groups: &[Keys] = if is_editing { &words::KEYS } else { &words::WATCH_KEYS };
    let group = |(name, keys): &Keys| {
        let rows = keys.iter().map(|(key, does)| view! { <dt><kbd>{*key}</kbd></dt> <dd>{*does}</dd> });
        view! {
            <h3>{*name}</h3>
            <dl>{rows.collect_view()}</dl>
        }
    };
    view! {
        <dialog class="help" aria-labelledby="keys">
            <header>
                <h2 id="keys">{words::HELP}</h2>
                <form method="dialog"><button class="tool">{words::CLOSE}</button></form>
            </header>
            {groups.iter().map(group).collect_view()}
        </dialog>
    }
    .into_any()
}
