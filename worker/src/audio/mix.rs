//! Many channels to one.

use symphonia::core::audio::{Channels, Position};

/// More channels than any microphone array has.
pub const MAX_CHANNELS: usize = 64;

/// The share of the centre, which carries the speech of a film, and of what sounds from behind: -3 dB to either side,
/// as ITU-R BS.775 mixes surround down to stereo, and half of each side.
const CENTRE: f32 = std::f32::consts::FRAC_1_SQRT_2;
const SIDE: f32 = 0.5;
const BEHIND: f32 = CENTRE / 2.0;

/// How much of each channel is heard. Loudspeaker layouts are mixed down as ITU-R BS.775 says, without the channel for
/// effects; of anything else, such as the microphones of a recorder, each channel counts alike.
///
/// The shares of a layout add up to more than 1 on purpose: speech is in one channel, and should be as loud as in a mono
/// recording. Samples beyond full scale are not cut off, so nothing is lost by that.
pub fn shares(channels: &Channels) -> Vec<f32> {
    let count = channels.count();
    let alike = || vec![1.0 / count.max(1) as f32; count];
    let positions = match channels {
        Channels::Positioned(positions) => *positions,
        // Matroska tells a number only; the order is that of WAVE then.
        Channels::Discrete(6) => Position::from_count(6).unwrap_or_default(),
        Channels::Discrete(8) => Position::from_count(6).unwrap_or_default() | SIDES,
        _ => return alike(),
    };
    if !is_surround(positions) {
        return alike();
    }
    positions
        .iter()
        .map(|position| match position {
            Position::FRONT_CENTER => CENTRE,
            Position::LFE1 | Position::LFE2 => 0.0,
            position if LEFT_AND_RIGHT.contains(position) => SIDE,
            _ => BEHIND,
        })
        .collect()
}

const SIDES: Position = Position::SIDE_LEFT.union(Position::SIDE_RIGHT);
const REARS: Position = Position::REAR_LEFT.union(Position::REAR_RIGHT);
const FRONT: Position = Position::FRONT_LEFT.union(Position::FRONT_RIGHT).union(Position::FRONT_CENTER);
const LEFT_AND_RIGHT: Position = Position::FRONT_LEFT
    .union(Position::FRONT_RIGHT)
    .union(Position::FRONT_LEFT_CENTER)
    .union(Position::FRONT_RIGHT_CENTER);

/// Recorders write four and five loose channels as the first ones of a layout, which are no layout on their own.
fn is_surround(positions: Position) -> bool {
    let has_behind = [SIDES, REARS, Position::REAR_CENTER].iter().any(|&behind| positions.contains(behind));
    positions.contains(FRONT) && has_behind
}

/// Appends the mix of interleaved samples to `mono`.
pub fn mix_down(interleaved: &[f32], shares: &[f32], mono: &mut Vec<f32>) {
    // Decoders of floats can bring forth anything; one NaN would spoil a whole window.
    let clean = |sample: f32| if sample.is_finite() { sample.clamp(-4.0, 4.0) } else { 0.0 };
    mono.extend(interleaved.chunks_exact(shares.len().max(1)).map(|frame| {
        let sum = frame.iter().zip(shares).map(|(sample, share)| sample * share).sum();
        clean(sum)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surround_is_mixed_down_by_its_channels_and_anything_else_alike() {
        let wave = |mask: u32| Channels::Positioned(Position::from_wave_channel_mask(mask).unwrap());
        let check = |channels: Channels, expect: &[f32]| assert_eq!(shares(&channels), expect, "{channels}");
        let surround = [SIDE, SIDE, CENTRE, 0.0, BEHIND, BEHIND];
        check(wave(0x4), &[1.0]);
        check(wave(0x3), &[0.5, 0.5]);
        check(wave(0x3f), &surround);
        check(wave(0x60f), &surround);
        check(Channels::Discrete(6), &surround);
        check(wave(0x37), &[SIDE, SIDE, CENTRE, BEHIND, BEHIND]);
        check(wave(0x107), &[SIDE, SIDE, CENTRE, BEHIND]);
        check(wave(0x63f), &[SIDE, SIDE, CENTRE, 0.0, BEHIND, BEHIND, BEHIND, BEHIND]);
        // Four microphones, as a recorder without a mask writes them.
        check(wave(0xf), &[0.25; 4]);
        check(wave(0x33), &[0.25; 4]);
        check(Channels::Discrete(3), &[1.0 / 3.0; 3]);
    }

    #[test]
    fn what_is_no_number_is_silence() {
        let mut mono = Vec::new();
        mix_down(&[f32::NAN, 1.0, 0.5, 0.5, 1e30, 0.0], &[0.5, 0.5], &mut mono);
        assert_eq!(mono, [0.0, 0.5, 4.0]);
    }
}
