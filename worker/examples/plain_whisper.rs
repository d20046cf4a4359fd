//! whisper-rs as it comes: the whole file in one call, for `./dev bench engine` to compare with.
//!
//! `plain_whisper MODEL WAV LANGUAGE THREADS` prints the text. The WAV has one channel of 16 kHz, 16 bits.

use std::env::args;

use anyhow::Context;
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};

#[allow(clippy::print_stdout)]
fn main() -> anyhow::Result<()> {
    let [model, wav, language, threads] =
        args().skip(1).collect::<Vec<_>>().try_into().ok().context("four arguments")?;
    let bytes = std::fs::read(wav)?;
    let data = bytes.windows(4).position(|name| name == b"data").context("the file is no WAV")? + 8;
    let samples: Vec<f32> = bytes[data..]
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0)
        .collect();

    let mut settings = WhisperContextParameters::new();
    settings.use_gpu(false);
    let context = WhisperContext::new_with_params(model, settings)?;
    let mut state = context.create_state()?;
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_language(Some(&language));
    params.set_n_threads(threads.parse()?);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_special(false);
    params.set_print_timestamps(false);
    state.full(params, &samples)?;
    let mut text = String::new();
    for segment in state.as_iter() {
        text += &segment.to_str_lossy()?;
    }
    println!("{text}");
    Ok(())
}
