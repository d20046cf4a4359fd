//! Keeps the cue that is spoken marked and in view.

use leptos::web_sys::Element;

/// Marks the cue that starts at `start` (milliseconds) inside `list`, and unmarks the one before.
/// Returns it when it is another one than before.
pub fn mark(list: &Element, start: Option<u64>) -> Option<Element> {
    let marked = list.query_selector("[aria-current]").ok().flatten();
    let wanted =
        start.and_then(|start| list.query_selector(&format!("[data-start=\"{start}\"]")).ok().flatten());
    if marked == wanted {
        return None;
    }
    if let Some(marked) = marked {
        let _ = marked.remove_attribute("aria-current");
    }
    if let Some(wanted) = &wanted {
        let _ = wanted.set_attribute("aria-current", "true");
    }
    wanted
}

/// Scrolls `frame`, and nothing around it, so that `item` stands in its middle.
pub fn center(frame: &Element, item: &Element) {
    let (around, inside) = (frame.get_bounding_client_rect(), item.get_bounding_client_rect());
    let offset = inside.top() - around.top() - (around.height() - inside.height()) / 2.0;
    frame.set_scroll_top(frame.scroll_top() + offset as i32);
}

pub fn to_end(frame: &Element) {
    frame.set_scroll_top(frame.scroll_height());
}
