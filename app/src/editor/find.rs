//! Find and replace, by plain text or by the browser's own regular expressions.

use domain::correction;
use js_sys::{Array, JsString, Reflect, RegExp};
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::rows::{Key, Rows};
use super::{Editor, line, words};
use crate::erase::EraseOnServer as _;
use crate::tr::Text;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Query {
    text: String,
    is_pattern: bool,
    minds_case: bool,
}

/// Where it is: the cue, and the place in its text in units of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Match {
    key: Key,
    place: u32,
}

impl Query {
    /// The expression; `sticky`: at one place only. `None`: it is wrong.
    fn expression(&self, sticky: bool) -> Option<RegExp> {
        let pattern = if self.is_pattern { self.text.clone() } else { escape(&self.text) };
        let flags = format!("{}u{}", if sticky { "y" } else { "g" }, if self.minds_case { "" } else { "i" });
        // By hand, since what a wrong pattern throws must be caught.
        let maker: js_sys::Function =
            Reflect::get(&js_sys::global(), &"RegExp".into()).ok()?.dyn_into().ok()?;
        let arguments = Array::of2(&pattern.into(), &flags.into());
        Reflect::construct(&maker, &arguments).ok()?.dyn_into().ok()
    }

    /// `None`: the expression is wrong.
    fn matches(&self, rows: &Rows) -> Option<Vec<Match>> {
        if self.text.is_empty() {
            return Some(Vec::new());
        }
        let expression = self.expression(false)?;
        let mut matches = Vec::new();
        for (key, shown) in rows.keys.iter().zip(rows.cues.iter()) {
            expression.set_last_index(0);
            while let Some(found) = expression.exec(&shown.cue.text) {
                let length = found.get(0).as_string().map_or(0, |text| text.encode_utf16().count());
                let end = expression.last_index();
                if length == 0 {
                    // Nothing can be shown or replaced there.
                    expression.set_last_index(end + 1);
                } else {
                    matches.push(Match { key: *key, place: end - length as u32 });
                }
            }
        }
        Some(matches)
    }

    /// The text with this one match replaced; `$1` and its like are the browser's.
    fn replaced(&self, text: &str, place: u32, by: &str) -> Option<String> {
        let expression = self.expression(true)?;
        expression.set_last_index(place);
        JsString::from(text).replace_by_pattern(&expression, &self.replacement(by)).as_string()
    }

    fn all_replaced(&self, text: &str, by: &str) -> Option<String> {
        let expression = self.expression(false)?;
        JsString::from(text).replace_by_pattern(&expression, &self.replacement(by)).as_string()
    }

    /// Only patterns have groups; elsewhere a dollar is a dollar.
    fn replacement(&self, by: &str) -> String {
        if self.is_pattern { by.to_owned() } else { by.replace('$', "$$") }
    }
}

fn escape(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if r"\^$.*+?()[]{}|/".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[component]
pub fn Find(editor: Editor) -> impl IntoView {
    let query = RwSignal::new(Query::default());
    let by = RwSignal::new(String::new());
    let at = RwSignal::new(0_usize);
    let matches = Memo::new(move |_| query.with(|query| editor.rows.with(|rows| query.matches(rows))));
    let count = move || matches.with(|matches| matches.as_ref().map_or(0, Vec::len));
    let current =
        move || matches.with_untracked(|matches| matches.as_ref()?.get(at.get_untracked()).copied());
    let show = move || {
        if let Some(found) = current() {
            editor.cursor.set(Some(found.key));
            editor.is_following.set(false);
            editor.reveal(found.key);
        }
    };
    Effect::new(move || {
        let found = matches.with(|matches| matches.as_ref()?.get(at.get()).map(|found| found.key));
        editor.found.set(found);
    });
    on_cleanup(move || {
        editor.found.try_set(None);
    });
    let go = move |by: isize| {
        let count = count() as isize;
        if count > 0 {
            at.update(|at| *at = (*at as isize + by).rem_euclid(count) as usize);
            show();
        }
    };
    let asked = move |change: &dyn Fn(&mut Query)| {
        query.update(|query| change(query));
        at.set(0);
        show();
    };
    // The button that was pressed has nothing to do any more, and buttons that are switched off lose the keyboard.
    let keep_keyboard = move || {
        if count() == 0 {
            editor.find();
        }
    };
    let replace = move || {
        editor.commit(false);
        let Some(found) = current() else { return };
        editor.change(found.key, |shown, place| {
            let text = query.with_untracked(|query| {
                query.replaced(&shown[place].cue.text, found.place, &by.get_untracked())
            });
            text.map(|text| correction::set_text(shown, place, &text)).unwrap_or_default()
        });
        // What follows has come to this place, unless it was the last.
        at.update(|at| *at = if *at < count() { *at } else { 0 });
        show();
        keep_keyboard();
    };
    let replace_all = move || {
        editor.commit(false);
        let rows = editor.rows.get_untracked();
        let texts: Vec<(usize, String)> = query.with_untracked(|query| {
            let all = rows.cues.iter().enumerate();
            all.filter_map(|(at, shown)| {
                Some((at, query.all_replaced(&shown.cue.text, &by.get_untracked())?))
            })
            .collect()
        });
        editor.make(correction::set_texts(&rows.cues, &texts));
        at.set(0);
        keep_keyboard();
    };
    let field = NodeRef::<html::Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            let _ = field.focus();
        }
    });
    let close = move || {
        editor.is_finding.set(false);
        if let Some(key) = editor.cursor.get_untracked() {
            editor.focus(key);
        }
    };
    // On a button it presses that button.
    let is_in_field =
        |event: &KeyboardEvent| event.target().is_some_and(|target| target.has_type::<HtmlInputElement>());
    let pressed = move |event: KeyboardEvent| match event.key().as_str() {
        "Enter" if is_in_field(&event) => {
            event.prevent_default();
            go(if event.shift_key() { -1 } else { 1 });
        }
        "Escape" => {
            event.stop_propagation();
            close();
        }
        _ => {}
    };
    let told = move || {
        matches.with(|matches| match matches {
            None => words::WRONG_PATTERN.into(),
            Some(_) if query.with(|query| query.text.is_empty()) => String::new(),
            Some(matches) => words::found(at.get(), matches.len()),
        })
    };
    let toggle = move |label: &'static str, name: Text, is: fn(&Query) -> bool, flip: fn(&mut Query)| {
        view! {
            <button
                class="tool"
                type="button"
                title=name
                aria-label=name
                aria-pressed=move || query.with(is).to_string()
                on:click=move |_| asked(&flip)
            >
                {label}
            </button>
        }
    };
    let is_none = move || count() == 0;
    view! {
        <div class="find" role="search" aria-label=words::FIND on:keydown=pressed>
            <input
                node_ref=field
                type="search"
                aria-label=words::FIND
                placeholder=words::FIND
                autocomplete="off"
                dir="auto"
                aria-invalid=move || matches.with(Option::is_none).then_some("true")
                on:input=move |event| { let text = event_target_value(&event); asked(&move |query| query.text.clone_from(&text)) }
            />
            <div class="tools">
                {toggle("Aa", words::MIND_CASE, |query| query.minds_case, |query| query.minds_case = !query.minds_case)}
                {toggle(".*", words::PATTERN, |query| query.is_pattern, |query| query.is_pattern = !query.is_pattern)}
                <button class="tool" type="button" aria-label=words::PREVIOUS title=words::PREVIOUS disabled=is_none on:click=move |_| go(-1)>"↑"</button>
                <button class="tool" type="button" aria-label=words::NEXT title=words::NEXT disabled=is_none on:click=move |_| go(1)>"↓"</button>
                <button class="tool" type="button" aria-label=words::CLOSE title=words::CLOSE on:click=move |_| close()>"×"</button>
            </div>
            <input
                type="text"
                aria-label=words::REPLACE_BY
                placeholder=words::REPLACE_BY
                autocomplete="off"
                dir="auto"
                on:input=move |event| by.set(event_target_value(&event))
            />
            <div class="tools">
                <button class="tool" type="button" disabled=is_none on:click=move |_| replace()>{words::REPLACE}</button>
                <button class="tool" type="button" disabled=is_none on:click=move |_| replace_all()>{words::REPLACE_ALL}</button>
            </div>
            <p role="status">{told}</p>
        </div>
    }
    .erase_on_server()
}

impl Editor {
    /// To the field, which may be there already.
    pub fn find(self) {
        if !self.is_finding.get_untracked() {
            self.is_finding.set(true);
        } else if let Ok(Some(field)) = document().query_selector(".find input") {
            line::focus(&field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_means_itself() {
        assert_eq!(escape("a.b (c) $1 [d]"), r"a\.b \(c\) \$1 \[d\]");
        assert_eq!(Query::default().replacement("$1"), "$$1");
    }
}
