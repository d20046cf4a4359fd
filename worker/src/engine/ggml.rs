//! Reads whisper.cpp's model files.

use std::collections::HashMap;

const MAGIC: u32 = 0x6767_6d6c;

/// Sizes of a Whisper model. Widths of encoder and decoder are the same.
#[derive(Debug, Clone)]
pub struct Sizes {
    pub tokens: usize,
    pub width: usize,
    pub audio_heads: usize,
    pub audio_layers: usize,
    pub text_heads: usize,
    pub text_layers: usize,
}

pub struct Tensor<'a> {
    /// The outermost dimension first.
    pub shape: Vec<usize>,
    /// float16; otherwise float32. Little-endian either way.
    pub is_half: bool,
    pub data: &'a [u8],
}

pub struct Ggml<'a> {
    pub sizes: Sizes,
    /// Of the Mel spectrogram: `bands` rows.
    pub filters: Vec<f32>,
    /// The bytes of each text token.
    pub words: Vec<&'a [u8]>,
    pub tensors: HashMap<&'a str, Tensor<'a>>,
}

impl<'a> Ggml<'a> {
    /// An error when the file is cut, of another kind, or quantized.
    pub fn read(file: &'a [u8]) -> anyhow::Result<Ggml<'a>> {
        let mut bytes = Bytes(file);
        anyhow::ensure!(bytes.u32()? == MAGIC, "the model is no ggml file");
        let mut number = || bytes.u32().map(|number| number as usize);
        let (tokens, _audio_context, width, audio_heads, audio_layers) =
            (number()?, number()?, number()?, number()?, number()?);
        let (_text_context, _width, text_heads, text_layers, _bands, _kind) =
            (number()?, number()?, number()?, number()?, number()?, number()?);
        let sizes = Sizes { tokens, width, audio_heads, audio_layers, text_heads, text_layers };
        let (rows, bins) = (bytes.u32()? as usize, bytes.u32()? as usize);
        let filters = bytes.take(rows.saturating_mul(bins).saturating_mul(4))?;
        let filters =
            filters.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let filters = filters.collect();
        let mut words = Vec::new();
        for _ in 0..bytes.u32()? {
            let length = bytes.u32()? as usize;
            words.push(bytes.take(length)?);
        }
        let mut tensors = HashMap::new();
        while !bytes.0.is_empty() {
            let (rank, length, kind) = (bytes.u32()? as usize, bytes.u32()? as usize, bytes.u32()?);
            anyhow::ensure!(rank <= 4 && kind <= 1, "the model is quantized, or not of Whisper");
            let mut shape =
                (0..rank).map(|_| Ok(bytes.u32()? as usize)).collect::<anyhow::Result<Vec<_>>>()?;
            shape.reverse();
            let name = std::str::from_utf8(bytes.take(length)?)?;
            let is_half = kind == 1;
            let size = shape
                .iter()
                .try_fold(if is_half { 2usize } else { 4 }, |size, &count| size.checked_mul(count));
            let data = bytes.take(size.unwrap_or(usize::MAX))?;
            tensors.insert(name, Tensor { shape, is_half, data });
        }
        Ok(Ggml { sizes, filters, words, tensors })
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> anyhow::Result<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| anyhow::anyhow!("the model is cut"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> anyhow::Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_else_is_an_error() {
        for bytes in [&b""[..], b"lmgg", b"RIFF....", b"lmgg\xff\xff\xff\xff"] {
            assert!(Ggml::read(bytes).is_err(), "{bytes:?}");
        }
    }
}
