//! Below the picture: which stretches of the media are heard, are being heard and wait, and where words are doubted.

mod stretches;

use domain::Timestamp;
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::editor::Rows;
use crate::erase::EraseOnServer as _;
use crate::live::JobState;
use crate::text;
use stretches::{HEIGHT, Kind, Stretches, WIDTH};

/// What an arrow key goes, and a page key, in milliseconds.
const STEP_MS: i64 = 5_000;
const PAGE_MS: i64 = 60_000;

/// A slider once scripts run, and a picture before. What changes in it is set by hand: as attributes of the view, each
/// with code of its own, it would weigh a twentieth of the page's WASM.
#[component]
pub fn Strip(
    state: RwSignal<JobState>,
    rows: Memo<Rows>,
    media: NodeRef<html::Video>,
    position: RwSignal<Option<u64>>,
) -> impl IntoView {
    let read = move || state.with(|state| rows.with(|rows| Stretches::of(&state.job, &rows.cues)));
    let strip = NodeRef::<html::Div>::new();
    let first = untrack(read);
    let (shapes, told, is_unknown) = (first.shapes(), words::all(&first), first.length_ms == 0);
    let stretches = StoredValue::new(first);
    let point = move |at: &str, ms: u64| {
        let said = stretches.with_value(|all| words::moment(ms, all.kind(ms)));
        put(strip, at, None, &said);
        said
    };
    let play = move || {
        let here = position.get().unwrap_or(0);
        let (length, place) = stretches.with_value(|all| (all.length_ms, all.place(here)));
        // While somebody points, the moment there is told.
        let said = point(".places:not(:hover) + .legend p", here);
        let (length, seconds) = ((length / 1_000).to_string(), (here / 1_000).to_string());
        put(strip, ".here", Some("x"), &place.to_string());
        for (name, value) in [
            ("role", "slider"),
            ("tabindex", "0"),
            ("aria-valuemin", "0"),
            ("aria-valuemax", &length),
            ("aria-valuenow", &seconds),
            ("aria-valuetext", &said),
        ] {
            put(strip, ".places", Some(name), value);
        }
    };
    Effect::new(move || {
        let all = read();
        put(strip, ".unseen", None, &words::all(&all));
        for (at, shape) in [".listening", ".heard", ".doubtful"].into_iter().zip(all.shapes()) {
            put(strip, at, Some("d"), &shape);
        }
        if let Some(strip) = strip.get_untracked() {
            strip.set_hidden(all.length_ms == 0);
        }
        stretches.set_value(all);
        untrack(play);
    });
    Effect::new(play);
    let seek = move |time: u64| {
        let Some(media) = media.get_untracked() else { return };
        media.set_current_time(Timestamp(time).as_secs_f64());
        position.set(Some(time));
    };
    let moment = move |event: &MouseEvent| {
        let places = event.current_target()?.dyn_into::<Element>().ok()?.get_bounding_client_rect();
        let share = (f64::from(event.client_x()) - places.left()) / places.width();
        Some(stretches.with_value(|all| all.moment(share)))
    };
    let pointed = move |event: MouseEvent| {
        if let Some(time) = moment(&event) {
            point(".legend p", time);
        }
    };
    let pressed = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => STEP_MS,
            "ArrowLeft" | "ArrowDown" => -STEP_MS,
            "PageUp" => PAGE_MS,
            "PageDown" => -PAGE_MS,
            "Home" => i64::MIN,
            "End" => i64::MAX,
            _ => return,
        };
        event.prevent_default();
        let here = position.get_untracked().unwrap_or(0);
        seek(here.saturating_add_signed(by).min(stretches.with_value(|all| all.length_ms)));
    };
    let [listening, heard, doubtful] = shapes;
    let legend = words::LEGEND
        .map(|(kind, name)| view! { <li><span class=format!("swatch {kind}")></span>{name}</li> });
    view! {
        <div class="strip" node_ref=strip hidden=is_unknown>
            <div
                class="places"
                role="img"
                aria-label=words::NAME
                aria-describedby="strip-told"
                on:click=move |event| moment(&event).into_iter().for_each(seek)
                on:mousemove=pointed
                on:keydown=pressed
            >
                <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
                    <rect class="waiting" width=WIDTH.to_string() height=HEIGHT.to_string() />
                    <path class="listening" d=listening />
                    <path class="heard" d=heard />
                    <path class="doubtful" d=doubtful />
                    <rect class="here" x="0" width="15" height=HEIGHT.to_string() />
                </svg>
            </div>
            <div class="legend" aria-hidden="true">
                <p></p>
                <ul>{legend.into_iter().collect_view()}</ul>
            </div>
            <p class="unseen" id="strip-told">{told}</p>
        </div>
    }
    .erase_on_server()
}

/// Writes an attribute, or the text, of the part of the strip that is found so, if there is one.
fn put(strip: NodeRef<html::Div>, at: &str, attribute: Option<&str>, value: &str) {
    let part = strip.get_untracked().and_then(|strip| strip.query_selector(at).ok().flatten());
    match (part, attribute) {
        // Fails only for what is no name of an attribute.
        (Some(part), Some(name)) => drop(part.set_attribute(name, value)),
        (Some(part), None) => part.set_text_content(Some(value)),
        (None, _) => {}
    }
}

/// What the strip says to people.
mod words {
    use super::{Kind, Stretches, text};
    use crate::tr::{Text, tr, tr_count};

    pub const NAME: Text = Text("Place in the media");

    pub const LEGEND: [(&str, Text); 4] = [
        ("heard", Text("heard")),
        ("listening", Text("being heard")),
        ("waiting", Text("not heard yet")),
        ("doubtful", Text("perhaps misheard")),
    ];

    pub fn moment(ms: u64, kind: Kind) -> String {
        let kind = match kind {
            Kind::Heard => tr!("heard"),
            Kind::Listening => tr!("being heard"),
            Kind::Waiting => tr!("not heard yet"),
            Kind::Unheard => tr!("not heard"),
        };
        format!("{}, {kind}", text::clock(ms))
    }

    pub fn all(stretches: &Stretches) -> String {
        told(stretches.length_ms, stretches.heard_ms, stretches.doubts)
    }

    pub fn told(length_ms: u64, heard_ms: u64, doubts: usize) -> String {
        let heard = match heard_ms {
            0 => tr!("Nothing is heard yet.").to_owned(),
            heard if heard == length_ms => tr!("Heard from beginning to end.").into(),
            heard => tr!("Heard up to {0} of {1}.", text::clock(heard), text::clock(length_ms)),
        };
        match doubts {
            0 => heard,
            doubts => tr_count!(
                doubts,
                "{1} {0} word is perhaps misheard.",
                "{1} {0} words are perhaps misheard.",
                heard
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_is_told_in_words() {
        let told = |heard_ms, doubts| words::told(60_000, heard_ms, doubts);
        assert_eq!(told(0, 0), "Nothing is heard yet.");
        assert_eq!(told(30_000, 1), "Heard up to 0:30 of 1:00. 1 word is perhaps misheard.");
        assert_eq!(told(60_000, 2), "Heard from beginning to end. 2 words are perhaps misheard.");
        assert_eq!(words::moment(61_000, Kind::Listening), "1:01, being heard");
    }
}
