//! All keys, in a window of their own.

use leptos::html;
use leptos::prelude::*;

use super::Editor;
use super::words::{self, Keys};
use crate::erase::EraseOnServer as _;

#[component]
pub fn Help(editor: Editor) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        if let Some(dialog) = dialog.get() {
            // Fails only if it is open already.
            let _ = dialog.show_modal();
        }
    });
    let closed = move |_| {
        editor.is_helping.set(false);
        if let Some(key) = editor.cursor.get_untracked().filter(|_| editor.open.get_untracked().is_none()) {
            editor.focus(key);
        }
    };
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let groups: &[Keys] = if editor.edits() { &words::KEYS } else { &words::WATCH_KEYS };
    let group = |(name, keys): &Keys| {
        let rows = keys.iter().map(|(key, does)| view! { <dt><kbd>{*key}</kbd></dt> <dd>{*does}</dd> });
        view! {
            <h3>{*name}</h3>
            <dl>{rows.collect_view()}</dl>
        }
    };
    view! {
        <dialog node_ref=dialog class="help" aria-labelledby="keys" on:close=closed>
            <header>
                <h2 id="keys">{words::HELP}</h2>
                <button class="tool" type="button" on:click=close>{words::CLOSE}</button>
            </header>
            {groups.iter().map(group).collect_view()}
        </dialog>
    }
    .erase_on_server()
}
