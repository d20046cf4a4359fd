//! Keeps what matters in view.

use leptos::web_sys::Element;

/// Scrolls `frame`, and nothing around it, so that `item` stands in its middle.
pub fn center(frame: &Element, item: &Element) {
    let (around, inside) = (frame.get_bounding_client_rect(), item.get_bounding_client_rect());
    let offset = inside.top() - around.top() - (around.height() - inside.height()) / 2.0;
    frame.set_scroll_top(frame.scroll_top() + offset as i32);
}

/// The same, only as far as is needed to see all of `item`.
pub fn reveal(frame: &Element, item: &Element) {
    let (around, inside) = (frame.get_bounding_client_rect(), item.get_bounding_client_rect());
    if inside.top() < around.top() || inside.bottom() > around.bottom() {
        center(frame, item);
    }
}

pub fn to_end(frame: &Element) {
    frame.set_scroll_top(frame.scroll_height());
}
