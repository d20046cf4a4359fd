//! What the browser keeps between visits. It may keep nothing at all: then everything here does nothing.

use leptos::prelude::window;
use web_sys::Storage;

pub fn read(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Says whether it is kept; a full storage keeps no more.
pub fn write(name: &str, text: &str) -> bool {
    storage().is_some_and(|storage| storage.set_item(name, text).is_ok())
}

pub fn remove(name: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(name);
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
