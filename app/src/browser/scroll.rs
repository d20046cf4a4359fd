//! Keeps what matters in view.

use web_sys::{Element, ScrollBehavior, ScrollToOptions};

/// Scrolls `frame`, and nothing around it, so that `item` stands in its middle.
pub fn center(frame: &Element, item: &Element) {
    let (around, inside) = (frame.get_bounding_client_rect(), item.get_bounding_client_rect());
    let offset = inside.top() - around.top() - (around.height() - inside.height()) / 2.0;
    let options = ScrollToOptions::new();
    options.set_top(f64::from(frame.scroll_top()) + offset);
    // Gliding over what is not in the document yet would lead somewhere else.
    if offset.abs() > f64::from(frame.client_height()) {
        options.set_behavior(ScrollBehavior::Instant);
    }
    frame.scroll_to_with_scroll_to_options(&options);
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
