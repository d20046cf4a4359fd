//! The waveform: sound and cues around the playhead, to be seen, sought in, and timed by hand.
//!
//! Drawn by hand on a canvas. The libraries there are decode the media in the browser, or weigh more than all other
//! scripts of the page together; what is needed of them is a few hundred lines, and the loudness is kept already.

mod draw;
mod grip;
mod pointer;
mod sound;
mod view;

use domain::Timestamp;
use domain::correction::{self, room};
use domain::peaks;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::bar::{sign, tool};
use super::rows::Key;
use super::{Editor, form, stamp, words};
use crate::erase::EraseOnServer as _;
use draw::{Colors, Picture};
use pointer::Held;
use sound::{Sound, Told};
use view::View;

/// How far the start or the end of a cue goes to where speech begins or ends, in milliseconds.
const REACH: u64 = 800;

/// A frame, at 25 a second.
pub const FRAME_MS: i64 = 40;

/// What one step of zooming makes of the stretch that is shown.
pub const ZOOM: f64 = 1.5;

/// What the waveform keeps. No signals: it changes with each frame.
#[derive(Clone, Copy)]
pub struct Wave {
    canvas: NodeRef<html::Canvas>,
    edges: [NodeRef<html::Div>; 2],
    sound: Sound,
    view: StoredValue<View>,
    held: StoredValue<Option<Held>>,
    colors: StoredValue<Option<Colors>>,
    playhead: StoredValue<Option<f64>>,
    /// A frame is asked for.
    is_due: StoredValue<bool>,
}

impl Wave {
    pub fn new() -> Wave {
        Wave {
            canvas: NodeRef::new(),
            edges: [NodeRef::new(), NodeRef::new()],
            sound: Sound::new(),
            view: StoredValue::new(View::new()),
            held: StoredValue::new(None),
            colors: StoredValue::new(None),
            playhead: StoredValue::new(None),
            is_due: StoredValue::new(false),
        }
    }
}

#[component]
pub fn Waveform(editor: Editor) -> impl IntoView {
    let wave = editor.wave;
    wave.sound.keep_up(editor.state);
    editor.keep_drawn();
    let plot = NodeRef::<html::Div>::new();
    let told = move || match wave.sound.told.get() {
        Told::Failed => words::NO_SOUND_YET.get(),
        Told::Reading | Told::Here if editor.target().is_none() => words::WAVE_HINT.get(),
        Told::Reading | Told::Here => "",
    };
    view! {
        <section
            class="wave"
            aria-labelledby="wave"
            on:keydown=move |event| editor.pressed(&event)
            on:click=move |event| editor.clicked(&event)
        >
            <header>
                <h2 id="wave">{words::WAVE}</h2>
                <p class="note">{told}</p>
                <div class="tools" role="toolbar" aria-label=words::WAVE>
                    {tool("snap", words::SNAP, words::SNAP_KEYS)}
                    {sign("zoom-out", "−", words::ZOOM_OUT)}
                    {sign("zoom-in", "+", words::ZOOM_IN)}
                </div>
            </header>
            <div
                node_ref=plot
                class="plot"
                tabindex="-1"
                on:pointerdown=move |event| editor.pointer_down(plot, &event)
                on:pointermove=move |event| editor.pointer_moved(plot, &event)
                on:pointerup=move |event| editor.pointer_up(plot, &event)
                on:pointercancel=move |_| editor.let_go()
                on:wheel=move |event| editor.wheeled(plot, &event)
            >
                <canvas node_ref=wave.canvas role="img" aria-label=words::WAVE_TOLD></canvas>
                <Edge editor is_start=true />
                <Edge editor is_start=false />
            </div>
        </section>
    }
    .erase_on_server()
}

/// The start or the end of the cue that can be drawn, for keyboards and screen readers; pointers meet what is below.
#[component]
fn Edge(editor: Editor, is_start: bool) -> impl IntoView {
    let [start, end] = editor.wave.edges;
    let name = if is_start { words::START } else { words::END };
    let times = Memo::new(move |_| {
        let key = editor.target()?;
        editor.rows.with(|rows| {
            let at = rows.place(key)?;
            let (cue, (first, last)) = (&rows.cues[at].cue, room(&rows.cues, at));
            let time = if is_start { cue.start } else { cue.end };
            Some([first, last.min(Timestamp(cue.end.0 + 60_000)), time])
        })
    });
    let number = move |of: usize| move || times.get().map(|times| times[of].0.to_string());
    let pressed = move |event: KeyboardEvent| {
        let step = if event.ctrl_key() { FRAME_MS } else { form::STEP_MS };
        let by = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => step,
            "ArrowLeft" | "ArrowDown" => -step,
            "PageUp" => 10 * form::STEP_MS,
            "PageDown" => -10 * form::STEP_MS,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(key) = untrack(|| editor.target()) {
            editor.nudge(key, is_start, by);
        }
    };
    view! {
        <div
            node_ref=if is_start { start } else { end }
            class="edge"
            role="slider"
            tabindex="0"
            hidden=move || times.get().is_none()
            aria-label=name
            aria-valuemin=number(0)
            aria-valuemax=number(1)
            aria-valuenow=number(2)
            aria-valuetext=move || times.get().map(|times| stamp::write(times[2]))
            on:focus=move |_| editor.show_target()
            on:keydown=pressed
        ></div>
    }
    .erase_on_server()
}

impl Editor {
    /// The cue whose edges can be drawn: the one that is edited, or that the keyboard is on.
    pub fn target(self) -> Option<Key> {
        self.open.get().or(self.cursor.get())
    }

    /// Draws when something that is seen has changed.
    fn keep_drawn(self) {
        let wave = self.wave;
        let length = Memo::new(move |_| self.state.with(|state| state.job.duration_ms));
        Effect::new(move || {
            let length = length.get().map_or(f64::INFINITY, |length| length as f64);
            wave.view.update_value(|view| view.length = length);
            self.rows.track();
            self.position.track();
            wave.sound.grew.track();
            self.repaint();
        });
        let target = Memo::new(move |_| self.target());
        Effect::new(move || {
            // Not only tracked: a memo that nobody reads tells nothing.
            target.get();
            self.show_target();
        });
        Effect::new(move || {
            let resizing = window_event_listener_untyped("resize", move |_| self.repaint());
            let escaping = window_event_listener(leptos::ev::keydown, move |event| {
                if event.key() == "Escape" {
                    self.let_go();
                }
            });
            on_cleanup(move || {
                resizing.remove();
                escaping.remove();
            });
            for query in ["(prefers-color-scheme: dark)", "(forced-colors: active)"] {
                let Ok(Some(list)) = window().match_media(query) else { continue };
                let changed = Closure::<dyn Fn()>::new(move || {
                    wave.colors.try_set_value(None);
                    self.repaint();
                });
                list.set_onchange(Some(changed.into_js_value().unchecked_ref()));
            }
        });
    }

    /// Brings the cue that can be drawn into view.
    fn show_target(self) {
        let times = untrack(|| self.target()).and_then(|key| {
            self.rows.with_untracked(|rows| rows.get(key).map(|shown| (shown.cue.start.0, shown.cue.end.0)))
        });
        if let Some((start, end)) = times {
            self.wave.view.update_value(|view| view.show(start as f64, end as f64));
        }
        self.repaint();
    }

    /// Draws with the next frame.
    fn repaint(self) {
        let is_due = self.wave.is_due;
        if is_due.try_update_value(|is_due| std::mem::replace(is_due, true)) == Some(false) {
            request_animation_frame(move || {
                is_due.try_set_value(false);
                self.paint();
            });
        }
    }

    fn paint(self) {
        let wave = self.wave;
        let Some(canvas) = wave.canvas.try_get_untracked().flatten() else { return };
        let width = f64::from(canvas.client_width());
        if width <= 0.0 {
            return;
        }
        if wave.colors.with_value(Option::is_none) {
            wave.colors.set_value(Colors::of(&canvas));
        }
        let media = self.media.get_untracked();
        let is_playing = media.as_ref().is_some_and(|media| !media.paused());
        let playhead = media.map(|media| media.current_time() * 1_000.0);
        let held = wave.held.get_value();
        let is_moved = wave.playhead.with_value(|before| *before != playhead);
        wave.playhead.set_value(playhead);
        wave.view.update_value(|view| {
            view.width = width;
            // What a person holds does not slip away.
            if let Some(playhead) = playhead.filter(|_| is_moved && held.is_none()) {
                view.follow(playhead, is_playing);
            }
        });
        let rows = self.rows.get_untracked();
        let drag = held.and_then(|held| held.drag);
        let target = drag.map(|drag| drag.key).or_else(|| untrack(|| self.target()));
        let target = target.and_then(|key| rows.place(key)).map(|at| {
            let cue = &rows.cues[at].cue;
            (at, drag.map_or((cue.start, cue.end), |drag| drag.now))
        });
        let view = wave.view.get_value();
        wave.sound.letters.with_value(|letters| {
            let picture = Picture { view, letters: &letters.text, cues: &rows.cues, target, playhead };
            wave.colors.with_value(|colors| colors.iter().for_each(|colors| picture.draw(&canvas, colors)));
        });
        if let Some((_, (start, end))) = target {
            for (edge, time) in wave.edges.into_iter().zip([start, end]) {
                if let Some(edge) = edge.get_untracked() {
                    let x = view.x(time.0 as f64).round() as i64;
                    let _ = web_sys::HtmlElement::style(&edge).set_property("translate", &format!("{x}px"));
                }
            }
        }
        if is_playing {
            self.repaint();
        }
    }

    /// As much more, or less, around the playhead where that is in view.
    pub fn zoom(self, by: f64) {
        let wave = self.wave;
        let playhead = wave.playhead.get_value();
        wave.view.update_value(|view| {
            let x = playhead.map(|playhead| view.x(playhead)).filter(|x| (0.0..=view.width).contains(x));
            view.zoom(by, x.unwrap_or(view.width / 2.0));
        });
        self.repaint();
    }

    /// Start and end of a cue to where speech begins and ends.
    pub fn snap(self, key: Key) {
        let letters = self.wave.sound.letters;
        let is_changed = self.change(key, |shown, at| {
            let cue = &shown[at].cue;
            let (start, end) =
                letters.with_value(|letters| peaks::snapped(&letters.text, cue.start, cue.end, REACH));
            correction::set_times(shown, at, start, end)
        });
        let news = if is_changed { words::SNAPPED } else { words::NOT_SNAPPED };
        self.news.set(news.get());
    }
}
