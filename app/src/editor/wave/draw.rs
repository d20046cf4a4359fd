//! The picture: sound, cues, time and playhead. Only what is in view is looked at.

use std::fmt::Write as _;

use domain::Timestamp;
use domain::correction::ShownCue;
use domain::peaks::{PEAK_MS, heights};
use leptos::prelude::window;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement};

use super::view::View;
use crate::text;

/// As the style sheet has them for this page: light or dark, or what a person's system forces.
#[derive(Clone)]
pub struct Colors {
    sound: String,
    ink: String,
    soft: String,
    cue: String,
    target: String,
    edge: String,
    playhead: String,
    font: String,
}

impl Colors {
    pub fn of(canvas: &HtmlCanvasElement) -> Option<Colors> {
        let style = window().get_computed_style(canvas).ok().flatten()?;
        let read =
            |style: &CssStyleDeclaration, name: &str| style.get_property_value(name).unwrap_or_default();
        Some(Colors {
            sound: read(&style, "--wave-sound"),
            ink: read(&style, "--wave-ink"),
            soft: read(&style, "--wave-soft"),
            cue: read(&style, "--wave-cue"),
            target: read(&style, "--wave-target"),
            edge: read(&style, "--wave-edge"),
            playhead: read(&style, "--wave-playhead"),
            font: format!("12px {}", read(&style, "font-family")),
        })
    }
}

pub struct Picture<'a> {
    pub view: View,
    pub letters: &'a str,
    pub cues: &'a [ShownCue],
    /// The cue that can be drawn, and where it is meanwhile.
    pub target: Option<(usize, (Timestamp, Timestamp))>,
    pub playhead: Option<f64>,
}

/// Room for the times below the sound, and for the texts above it, in pixels of CSS.
const AXIS: f64 = 16.0;
const TEXTS: f64 = 20.0;

/// Width of the lines at the edges of a cue.
const EDGE: f64 = 2.0;

impl Picture<'_> {
    pub fn draw(&self, canvas: &HtmlCanvasElement, colors: &Colors) {
        let Some(context) = canvas.get_context("2d").ok().flatten() else { return };
        let context: CanvasRenderingContext2d = context.unchecked_into();
        let height = f64::from(canvas.client_height());
        let scale = fit(canvas, self.view.width, height);
        let _ = context.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, self.view.width, height);
        context.set_font(&colors.font);
        let sound = height - AXIS;
        self.cues(&context, colors, sound, false);
        context.set_fill_style_str(&colors.sound);
        self.sound(&context, sound);
        self.cues(&context, colors, sound, true);
        self.axis(&context, colors, sound, height);
        if let Some(playhead) = self.playhead {
            context.set_fill_style_str(&colors.playhead);
            context.fill_rect(self.view.x(playhead) - 1.0, 0.0, 2.0, sound);
        }
    }

    /// As loud as the loudest step of each pixel, up and down from the middle.
    fn sound(&self, context: &CanvasRenderingContext2d, height: f64) {
        let (half, middle) = ((height - TEXTS) / 2.0, (height + TEXTS) / 2.0);
        let step = |x: f64| (self.view.ms(x).max(0.0) / PEAK_MS as f64) as usize;
        let columns = self.view.width.ceil() as usize;
        let mut tops = Vec::with_capacity(columns);
        for column in 0..columns {
            let (from, to) = (step(column as f64), step(column as f64 + 1.0));
            let Some(letters) = self.letters.get(from..(to.max(from + 1)).min(self.letters.len())) else {
                break;
            };
            if letters.is_empty() {
                break;
            }
            let loudest = heights(letters).fold(0.0_f32, f32::max);
            tops.push((column as f64, (f64::from(loudest) * half).max(0.5)));
        }
        let (Some(first), Some(last)) = (tops.first(), tops.last()) else { return };
        context.begin_path();
        context.move_to(first.0, middle);
        for (x, top) in &tops {
            context.line_to(*x, middle - top);
        }
        context.line_to(last.0 + 1.0, middle);
        for (x, top) in tops.iter().rev() {
            context.line_to(*x, middle + top);
        }
        context.fill();
    }

    /// The ground of each cue, and then what stands above the sound: edges and text.
    fn cues(&self, context: &CanvasRenderingContext2d, colors: &Colors, height: f64, is_above: bool) {
        let target = self.target.map(|(at, _)| at);
        let first = self.cues.partition_point(|shown| (shown.cue.end.0 as f64) < self.view.start);
        let visible = self.cues.iter().enumerate().skip(first);
        let visible = visible.take_while(|(_, shown)| (shown.cue.start.0 as f64) <= self.view.end());
        let others = visible.filter(|(at, _)| Some(*at) != target);
        for (_, shown) in others {
            self.cue(context, colors, height, (shown, (shown.cue.start, shown.cue.end)), (is_above, false));
        }
        if let Some((at, times)) = self.target
            && let Some(shown) = self.cues.get(at)
        {
            self.cue(context, colors, height, (shown, times), (is_above, true));
        }
    }

    fn cue(
        &self,
        context: &CanvasRenderingContext2d,
        colors: &Colors,
        height: f64,
        (shown, (start, end)): (&ShownCue, (Timestamp, Timestamp)),
        (is_above, is_target): (bool, bool),
    ) {
        let (from, to) = (self.view.x(start.0 as f64), self.view.x(end.0 as f64));
        if !is_above {
            context.set_fill_style_str(if is_target { &colors.target } else { &colors.cue });
            context.fill_rect(from, 0.0, to - from, height);
            return;
        }
        context.set_fill_style_str(if is_target { &colors.edge } else { &colors.soft });
        let width = if is_target { EDGE } else { EDGE / 2.0 };
        context.fill_rect(from, 0.0, width, height);
        context.fill_rect(to - width, 0.0, width, height);
        if to - from < 24.0 {
            return;
        }
        context.save();
        context.begin_path();
        context.rect(from, 0.0, to - from - 4.0, height);
        context.clip();
        context.set_fill_style_str(&colors.ink);
        let text = shown.cue.text.replace('\n', " ");
        // Ahead of the view it is written where it can be read.
        let _ = context.fill_text(&text, from.max(0.0) + 6.0, 15.0);
        context.restore();
    }

    /// Round times, as many as there is room for.
    fn axis(&self, context: &CanvasRenderingContext2d, colors: &Colors, top: f64, height: f64) {
        const STEPS: [f64; 6] = [1_000.0, 2_000.0, 5_000.0, 10_000.0, 30_000.0, 60_000.0];
        let room = 80.0 / self.view.width * self.view.span;
        let step = STEPS.into_iter().find(|step| *step >= room).unwrap_or(60_000.0);
        context.set_fill_style_str(&colors.soft);
        let mut time = (self.view.start / step).ceil() * step;
        let mut label = String::new();
        while time <= self.view.end().min(self.view.length) {
            let x = self.view.x(time);
            context.fill_rect(x, top, 1.0, 4.0);
            label.clear();
            let _ = write!(label, "{}", text::clock(time as u64));
            let _ = context.fill_text(&label, x + 4.0, height - 3.0);
            time += step;
        }
    }
}

/// As many dots as the screen has; how many there are for a pixel of CSS.
fn fit(canvas: &HtmlCanvasElement, width: f64, height: f64) -> f64 {
    let scale = window().device_pixel_ratio().clamp(1.0, 4.0);
    let (across, down) = ((width * scale).round() as u32, (height * scale).round() as u32);
    if (canvas.width(), canvas.height()) != (across, down) {
        canvas.set_width(across);
        canvas.set_height(down);
    }
    scale
}
