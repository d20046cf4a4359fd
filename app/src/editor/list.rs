//! All cues, of which only those near the view are in the document.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::Editor;
use super::line::Line;
use super::rows::Key;
use super::window::{self, BLOCK_MS, Block, Heights};
use crate::erase::EraseOnServer as _;

#[component]
pub fn List(editor: Editor) -> impl IntoView {
    let all = Memo::new(move |_| editor.rows.with(window::blocks));
    // The server renders the beginning; the browser takes it over as it is.
    let blocks = Memo::new(move |_| {
        let is_awake = editor.is_awake.get();
        all.with(|blocks| if is_awake { blocks.clone() } else { window::first(blocks).to_vec() })
    });
    let heights = StoredValue::new(Heights::default());
    let list = NodeRef::<html::Div>::new();
    let near = RwSignal::new(all.with_untracked(|blocks| window::near_at_first(blocks)));
    let look = move || {
        let (Some(frame), Some(list)) =
            (editor.frame.try_get_untracked().flatten(), list.try_get_untracked().flatten())
        else {
            return;
        };
        heights.update_value(|heights| measure(&list, heights));
        let (scrolled, height) = (f64::from(frame.scroll_top()), f64::from(frame.client_height()));
        let found = blocks.with_untracked(|blocks| {
            heights.with_value(|heights| window::near(blocks, heights, scrolled, height))
        });
        if near.get_untracked() != found {
            near.set(found);
        }
    };
    let is_looking = StoredValue::new(false);
    let look_soon = move || {
        if is_looking.try_update_value(|is_looking| std::mem::replace(is_looking, true)) == Some(false) {
            request_animation_frame(move || {
                is_looking.try_set_value(false);
                look();
            });
        }
    };
    Effect::new(move || {
        blocks.track();
        look_soon();
    });
    Effect::new(move || {
        editor.scrolled.track();
        look_soon();
    });
    Effect::new(move || {
        let resizing = window_event_listener_untyped("resize", move |_| look_soon());
        on_cleanup(move || resizing.remove());
    });
    // What the keyboard is on stays, however far one scrolls, and what is about to be looked at comes.
    let pins = Memo::new(move |_| {
        let block = |key: Option<Key>| {
            let start = editor.rows.with(|rows| rows.get(key?).map(|shown| shown.cue.start))?;
            Some(start.0 / BLOCK_MS)
        };
        [block(editor.cursor.get()), block(editor.open.get()), block(editor.wanted.get())]
    });
    let number = |block: &Block| block.number;
    view! {
        <div class="cues" role="list" node_ref=list>
            <For each=move || blocks.get() key=number let(block)>
                {
                    let number = block.number;
                    let is_near = Memo::new(move |_| {
                        let (from, to) = near.get();
                        (from..=to).contains(&number) || pins.get().contains(&Some(number))
                    });
                    let height = move || {
                        let height = || blocks.with_untracked(|blocks| {
                            let at = blocks.binary_search_by_key(&number, |block| block.number).ok()?;
                            Some(heights.with_value(|heights| heights.of(&blocks[at])))
                        });
                        (!is_near.get()).then(height).flatten().map(|height| format!("{}px", height.round() as i64))
                    };
                    let keys = Memo::new(move |_| {
                        if !is_near.get() {
                            return Vec::new();
                        }
                        let rows = blocks.with(|blocks| {
                            let at = blocks.binary_search_by_key(&number, |block| block.number).ok()?;
                            Some(blocks[at].rows.clone())
                        });
                        editor.rows.with(|all| rows.and_then(|rows| all.keys.get(rows)).unwrap_or_default().to_vec())
                    });
                    view! {
                        <div class="block" role="presentation" data-block=number.to_string() style:height=height>
                            <For each=move || keys.get() key=|key| *key let(key)>
                                <Line editor key />
                            </For>
                        </div>
                    }
                }
            </For>
        </div>
    }
    .erase_on_server()
}

fn measure(list: &web_sys::Element, heights: &mut Heights) {
    let blocks = list.children();
    for at in 0..blocks.length() {
        let Some(block) = blocks.item(at).and_then(|block| block.dyn_into::<web_sys::HtmlElement>().ok())
        else {
            continue;
        };
        let number = block.get_attribute("data-block").and_then(|number| number.parse().ok());
        if let Some(number) = number.filter(|_| block.child_element_count() > 0) {
            heights.0.insert(number, f64::from(block.offset_height()));
        }
    }
}

/// What the browser shows of a long list only to those who look at it, as plain text for those without JavaScript.
#[component]
pub fn Rest(editor: Editor) -> impl IntoView {
    let rest = move || {
        // To a browser that runs scripts this is text, and hydration must not look inside.
        if !cfg!(feature = "ssr") {
            return String::new();
        }
        editor.rows.with_untracked(|rows| {
            let blocks = window::blocks(rows);
            let shown = window::first(&blocks).last().map_or(0, |block| block.rows.end);
            rows.cues[shown.min(rows.cues.len())..].iter().map(super::line::plain).collect()
        })
    };
    let is_long = editor.rows.with_untracked(|rows| rows.cues.len() > window::FIRST_ROWS);
    is_long.then(|| view! { <noscript inner_html=rest()></noscript> })
}
