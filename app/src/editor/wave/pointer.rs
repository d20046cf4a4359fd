//! Mouse, pen and finger on the waveform.

use domain::{Timestamp, peaks};
use leptos::ev::{PointerEvent, WheelEvent};
use leptos::html;
use leptos::prelude::*;

use super::grip::{Drag, Grip, Hit, hit};
use crate::editor::Editor;
use crate::editor::rows::Key;

/// A pointer that moves less is a click, in pixels of CSS.
const SLACK: f64 = 3.0;

/// A drawn edge goes to where speech begins or ends this near, in milliseconds, unless Alt is held.
const SNAP: u64 = 80;

/// What each pixel that a wheel is turned makes of the stretch that is shown: a notch, about a tenth more.
const WHEEL_ZOOM: f64 = 0.001;

/// What a pointer does that is down.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    hit: Hit,
    /// Where it came down, and where the view began then.
    x: f64,
    start: f64,
    has_moved: bool,
    /// `None`: it moves the view.
    pub drag: Option<Drag>,
}

type Plot = NodeRef<html::Div>;

impl Editor {
    pub fn pointer_down(self, plot: Plot, event: &PointerEvent) {
        if event.button() != 0 || !event.is_primary() {
            return;
        }
        let Some(x) = place(plot, event.client_x()) else { return };
        let (view, rows) = (self.wave.view.get_value(), self.rows.get_untracked());
        let hit = self.hit(x);
        let target = untrack(|| self.target()).and_then(|key| Some((key, rows.place(key)?)));
        let drag = match (hit, target) {
            (Hit::Grip(grip), Some((key, at))) => {
                Some(Drag::new(key, grip, view.ms(x), &rows.cues, at, view.length))
            }
            _ => None,
        };
        self.wave.held.set_value(Some(Held { hit, x, start: view.start, has_moved: false, drag }));
        if let Some(plot) = plot.get_untracked() {
            // Fails only for a pointer that is gone already.
            let _ = plot.set_pointer_capture(event.pointer_id());
        }
    }

    pub fn pointer_moved(self, plot: Plot, event: &PointerEvent) {
        let Some(x) = place(plot, event.client_x()) else { return };
        let Some(mut held) = self.wave.held.get_value() else {
            point(plot, self.hit(x));
            return;
        };
        held.has_moved |= (x - held.x).abs() > SLACK;
        if held.has_moved {
            let view = self.wave.view.get_value();
            match &mut held.drag {
                Some(drag) => {
                    let is_free = event.alt_key();
                    drag.move_to(view.ms(x), |grip, time| if is_free { None } else { self.near(grip, time) });
                }
                None => {
                    let by = (held.x - x) / view.width * view.span;
                    self.wave.view.update_value(|view| view.move_to(held.start + by));
                }
            }
            self.repaint();
        }
        self.wave.held.set_value(Some(held));
    }

    pub fn pointer_up(self, plot: Plot, event: &PointerEvent) {
        let Some(held) = self.wave.held.try_update_value(Option::take).flatten() else { return };
        match held.drag.filter(|_| held.has_moved) {
            Some(drag) if drag.is_changed() => {
                self.is_following.set(false);
                self.set_times(drag.key, |_, _| drag.now);
            }
            Some(_) => {}
            None if held.has_moved => {}
            None => {
                let Some(x) = place(plot, event.client_x()) else { return };
                self.seek(Timestamp(self.wave.view.get_value().ms(x).max(0.0) as u64));
                let key = self.rows.with_untracked(|rows| match held.hit {
                    Hit::Cue(at) => rows.keys.get(at).copied(),
                    Hit::Grip(_) | Hit::Nothing => None,
                });
                key.into_iter().for_each(|key| self.choose(key));
            }
        }
        self.repaint();
    }

    /// Whatever is drawn goes back to where it was.
    pub fn let_go(self) {
        if self.is_dragging() {
            self.wave.held.set_value(None);
            self.repaint();
        }
    }

    pub fn is_dragging(self) -> bool {
        self.wave.held.try_with_value(Option::is_some) == Some(true)
    }

    /// With Control it zooms, across it moves the view; else it is the page's.
    pub fn wheeled(self, plot: Plot, event: &WheelEvent) {
        let Some(x) = place(plot, event.client_x()) else { return };
        let (across, down) = (event.delta_x(), event.delta_y());
        let view = self.wave.view;
        if event.ctrl_key() || event.meta_key() {
            view.update_value(|view| view.zoom((1.0 + down * WHEEL_ZOOM).clamp(0.5, 2.0), x));
        } else if event.shift_key() || across.abs() > down.abs() {
            let by = if across == 0.0 { down } else { across };
            view.update_value(|view| view.move_to(view.start + by / view.width * view.span));
        } else {
            return;
        }
        event.prevent_default();
        self.repaint();
    }

    fn hit(self, x: f64) -> Hit {
        let view = self.wave.view.get_value();
        let target = untrack(|| self.target());
        self.rows.with_untracked(|rows| hit(&view, &rows.cues, target.and_then(|key| rows.place(key)), x))
    }

    fn near(self, grip: Grip, time: Timestamp) -> Option<Timestamp> {
        self.wave.sound.letters.with_value(|letters| match grip {
            Grip::Start | Grip::Whole => peaks::onset(&letters.text, time, SNAP),
            Grip::End => peaks::release(&letters.text, time, SNAP),
        })
    }

    /// Takes this cue for the one that can be drawn.
    fn choose(self, key: Key) {
        if self.open.get_untracked().is_some() {
            self.edit(key);
            return;
        }
        self.is_following.set(false);
        self.cursor.set(Some(key));
        self.reveal(key);
    }
}

/// Where on the plot this is, in pixels of CSS.
fn place(plot: Plot, client_x: i32) -> Option<f64> {
    let plot = plot.try_get_untracked().flatten()?;
    Some(f64::from(client_x) - plot.get_bounding_client_rect().left())
}

/// Lets the style sheet show what a pointer would take hold of here.
fn point(plot: Plot, hit: Hit) {
    let Some(plot) = plot.get_untracked() else { return };
    let name = match hit {
        Hit::Grip(Grip::Start | Grip::End) => "edge",
        Hit::Grip(Grip::Whole) => "whole",
        Hit::Cue(_) => "cue",
        Hit::Nothing => "nothing",
    };
    if plot.get_attribute("data-hit").as_deref() != Some(name) {
        let _ = plot.set_attribute("data-hit", name);
    }
}
