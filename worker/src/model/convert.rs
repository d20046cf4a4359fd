//! Converts CTranslate2's float16 Whisper weights to whisper.cpp's ggml format.
//!
//! Nothing is lost, and tensors come in the order of OpenAI's checkpoints: the result is byte for byte the file that
//! whisper.cpp publishes.

use std::io::{self, Write};
use std::ops::Range;

use half::f16;

use super::ctranslate::{Element, Weights, WeightsError};
use super::vocabulary::{self, VocabularyError};

/// "ggml".
const MAGIC: u32 = 0x6767_6d6c;
/// Vocabularies smaller than this are of the English-only models.
const MULTILINGUAL_TOKENS: usize = 51865;
/// Bins of a spectrum of 400 samples at 16 kHz.
const BINS: usize = 201;
const BIN_WIDTH_HZ: f64 = 40.0;
/// Half of the sampling rate.
const HIGHEST_HZ: f64 = 8000.0;

#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Vocabulary(#[from] VocabularyError),
    #[error("the converted model could not be written")]
    Write(#[from] io::Error),
    #[error("{0} in the weights is not in float16")]
    NotHalf(String),
    #[error("{0} in the weights has an unexpected shape")]
    Shape(String),
}

/// Writes the ggml file. `weights` are the bytes of `model.bin`, `tokenizer` the text of `tokenizer.json`.
pub fn convert(weights: &[u8], tokenizer: &[u8], out: &mut impl Write) -> Result<(), ConvertError> {
    let weights = Weights::read(weights)?;
    let shape = Shape::of(&weights)?;
    let multilingual = shape.tokens >= MULTILINGUAL_TOKENS;
    let words = vocabulary::read(tokenizer, !multilingual)?;

    let numbers = [
        MAGIC as usize,
        shape.tokens,
        shape.audio_context,
        shape.width,
        shape.audio_heads,
        shape.audio_layers,
        shape.text_context,
        shape.width,
        shape.text_heads,
        shape.text_layers,
        shape.bands,
        // Tensors are in float16 where it matters.
        1,
    ];
    write_numbers(out, &numbers)?;
    write_numbers(out, &[shape.bands, BINS])?;
    for weight in mel_filters(shape.bands) {
        out.write_all(&weight.to_le_bytes())?;
    }
    write_numbers(out, &[words.len()])?;
    for word in &words {
        write_numbers(out, &[word.len()])?;
        out.write_all(word)?;
    }
    for tensor in tensors(&shape) {
        tensor.write(&weights, out)?;
    }
    Ok(())
}

/// Sizes of a model, as its weights tell them.
struct Shape {
    tokens: usize,
    width: usize,
    bands: usize,
    audio_context: usize,
    audio_heads: usize,
    audio_layers: usize,
    text_context: usize,
    text_heads: usize,
    text_layers: usize,
}

impl Shape {
    fn of(weights: &Weights) -> Result<Shape, ConvertError> {
        let dimension = |name: &str, index: usize| -> Result<usize, ConvertError> {
            weights.get(name)?.shape.get(index).copied().ok_or_else(|| ConvertError::Shape(name.to_owned()))
        };
        let heads = |name: &str| -> Result<usize, ConvertError> {
            let bytes =
                weights.get(name)?.data.try_into().map_err(|_| ConvertError::Shape(name.to_owned()))?;
            usize::try_from(i16::from_le_bytes(bytes)).map_err(|_| ConvertError::Shape(name.to_owned()))
        };
        let layers = |side: &str| {
            (0..)
                .take_while(|layer| weights.has(&format!("{side}/layer_{layer}/ffn/linear_0/weight")))
                .count()
        };
        Ok(Shape {
            tokens: dimension("decoder/embeddings/weight", 0)?,
            width: dimension("decoder/embeddings/weight", 1)?,
            bands: dimension("encoder/conv1/weight", 1)?,
            audio_context: dimension("encoder/position_encodings/encodings", 0)?,
            audio_heads: heads("encoder/num_heads")?,
            audio_layers: layers("encoder"),
            text_context: dimension("decoder/position_encodings/encodings", 0)?,
            text_heads: heads("decoder/num_heads")?,
            text_layers: layers("decoder"),
        })
    }
}

/// One tensor of the result.
struct Tensor {
    name: String,
    /// Name of the variable it is cut from.
    variable: String,
    /// Of the first dimension; all where `None`. CTranslate2 keeps query, key and value in one matrix.
    rows: Option<Range<usize>>,
}

impl Tensor {
    fn write(&self, weights: &Weights, out: &mut impl Write) -> Result<(), ConvertError> {
        let variable = weights.get(&self.variable)?;
        if variable.element != Element::F16 {
            return Err(ConvertError::NotHalf(self.variable.clone()));
        }
        let mut shape = variable.shape.clone();
        let mut data = variable.data;
        if let Some(rows) = &self.rows {
            let wrong = || ConvertError::Shape(self.variable.clone());
            let count = *shape.first().filter(|count| **count > 0).ok_or_else(wrong)?;
            let row = data.len() / count;
            data = data.get(rows.start * row..rows.end * row).ok_or_else(wrong)?;
            shape[0] = rows.len();
        }
        let is_convolution_bias = matches!(self.name.as_str(), "encoder.conv1.bias" | "encoder.conv2.bias");
        if is_convolution_bias {
            shape.push(1);
        }
        // What whisper.cpp adds to activations is in float32, what it multiplies with in float16.
        let is_half = shape.len() > 1 && !is_convolution_bias && !self.name.ends_with("positional_embedding");

        write_numbers(out, &[shape.len(), self.name.len(), usize::from(is_half)])?;
        shape.reverse();
        write_numbers(out, &shape)?;
        out.write_all(self.name.as_bytes())?;
        if is_half {
            out.write_all(data)?;
            return Ok(());
        }
        for pair in data.chunks_exact(2) {
            out.write_all(&f16::from_le_bytes([pair[0], pair[1]]).to_f32().to_le_bytes())?;
        }
        Ok(())
    }
}

/// All tensors, in the order of OpenAI's checkpoints.
fn tensors(shape: &Shape) -> Vec<Tensor> {
    let mut list = List { tensors: Vec::new(), width: shape.width };
    list.push("decoder.positional_embedding", "decoder/position_encodings/encodings", None);
    list.push("encoder.positional_embedding", "encoder/position_encodings/encodings", None);
    list.push("decoder.token_embedding.weight", "decoder/embeddings/weight", None);
    for layer in 0..shape.text_layers {
        list.layer("decoder", layer);
        list.norm(
            &format!("decoder.blocks.{layer}.cross_attn_ln"),
            &format!("decoder/layer_{layer}/attention/layer_norm"),
        );
        list.cross_attention(
            &format!("decoder.blocks.{layer}.cross_attn"),
            &format!("decoder/layer_{layer}/attention"),
        );
    }
    list.norm("decoder.ln", "decoder/layer_norm");
    for convolution in ["conv1", "conv2"] {
        list.linear(&format!("encoder.{convolution}"), &format!("encoder/{convolution}"), None);
    }
    for layer in 0..shape.audio_layers {
        list.layer("encoder", layer);
    }
    list.norm("encoder.ln_post", "encoder/layer_norm");
    list.tensors
}

/// Tensors so far. In each method `name` is the prefix in the result and `variable` that in CTranslate2's file.
struct List {
    tensors: Vec<Tensor>,
    width: usize,
}

impl List {
    fn push(&mut self, name: &str, variable: &str, rows: Option<Range<usize>>) {
        self.tensors.push(Tensor { name: name.to_owned(), variable: variable.to_owned(), rows });
    }

    fn linear(&mut self, name: &str, variable: &str, rows: Option<Range<usize>>) {
        self.push(&format!("{name}.weight"), &format!("{variable}/weight"), rows.clone());
        self.push(&format!("{name}.bias"), &format!("{variable}/bias"), rows);
    }

    fn norm(&mut self, name: &str, variable: &str) {
        self.push(&format!("{name}.weight"), &format!("{variable}/gamma"), None);
        self.push(&format!("{name}.bias"), &format!("{variable}/beta"), None);
    }

    /// What the layers of both sides have.
    fn layer(&mut self, side: &str, layer: usize) {
        let name = format!("{side}.blocks.{layer}");
        let variable = format!("{side}/layer_{layer}");
        self.norm(&format!("{name}.mlp_ln"), &format!("{variable}/ffn/layer_norm"));
        self.linear(&format!("{name}.mlp.0"), &format!("{variable}/ffn/linear_0"), None);
        self.linear(&format!("{name}.mlp.2"), &format!("{variable}/ffn/linear_1"), None);
        self.norm(&format!("{name}.attn_ln"), &format!("{variable}/self_attention/layer_norm"));
        self.self_attention(&format!("{name}.attn"), &format!("{variable}/self_attention"));
    }

    fn self_attention(&mut self, name: &str, variable: &str) {
        let fused = format!("{variable}/linear_0");
        self.linear(&format!("{name}.query"), &fused, Some(0..self.width));
        // The bias of keys is zero: Whisper has none.
        self.push(
            &format!("{name}.key.weight"),
            &format!("{fused}/weight"),
            Some(self.width..2 * self.width),
        );
        self.linear(&format!("{name}.value"), &fused, Some(2 * self.width..3 * self.width));
        self.linear(&format!("{name}.out"), &format!("{variable}/linear_1"), None);
    }

    fn cross_attention(&mut self, name: &str, variable: &str) {
        let fused = format!("{variable}/linear_1");
        self.linear(&format!("{name}.query"), &format!("{variable}/linear_0"), None);
        self.push(&format!("{name}.key.weight"), &format!("{fused}/weight"), Some(0..self.width));
        self.linear(&format!("{name}.value"), &fused, Some(self.width..2 * self.width));
        self.linear(&format!("{name}.out"), &format!("{variable}/linear_2"), None);
    }
}

/// Slaney's triangular filters, `bands` rows of `BINS`, as `librosa.filters.mel` computes them: rounded
/// to float32 once before and once after they are scaled to equal area.
fn mel_filters(bands: usize) -> Vec<f32> {
    let highest = hertz_to_mel(HIGHEST_HZ);
    let step = highest / (bands + 1) as f64;
    // The last edge is exact, not the sum of steps: it shows in the last bits of the last filters.
    let mels = (0..=bands).map(|edge| edge as f64 * step).chain([highest]);
    let edges: Vec<f64> = mels.map(mel_to_hertz).collect();
    let mut filters = Vec::with_capacity(bands * BINS);
    for edge in edges.windows(3) {
        let area = 2.0 / (edge[2] - edge[0]);
        for bin in 0..BINS {
            let frequency = bin as f64 * BIN_WIDTH_HZ;
            let rising = (frequency - edge[0]) / (edge[1] - edge[0]);
            let falling = (edge[2] - frequency) / (edge[2] - edge[1]);
            let weight = rising.min(falling).max(0.0) as f32;
            filters.push((f64::from(weight) * area) as f32);
        }
    }
    filters
}

/// Linear below 1 kHz, logarithmic above.
const MEL_HZ: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = 15.0;

fn log_step() -> f64 {
    6.4f64.ln() / 27.0
}

fn hertz_to_mel(hertz: f64) -> f64 {
    if hertz >= BREAK_HZ { BREAK_MEL + (hertz / BREAK_HZ).ln() / log_step() } else { hertz / MEL_HZ }
}

fn mel_to_hertz(mel: f64) -> f64 {
    if mel >= BREAK_MEL { BREAK_HZ * (log_step() * (mel - BREAK_MEL)).exp() } else { mel * MEL_HZ }
}

fn write_numbers(out: &mut impl Write, numbers: &[usize]) -> io::Result<()> {
    for number in numbers {
        let number = u32::try_from(*number).map_err(io::Error::other)?;
        out.write_all(&number.to_le_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mel_filters_have_equal_area() {
        let filters = mel_filters(80);
        assert_eq!(filters.len(), 80 * BINS);
        // The narrow low bands are too coarsely sampled for their sums to tell.
        for row in filters.chunks(BINS).skip(40) {
            let area = row.iter().map(|weight| f64::from(*weight)).sum::<f64>() * BIN_WIDTH_HZ;
            assert!((area - 1.0).abs() < 0.1, "{area}");
        }
    }

    #[test]
    fn weights_of_something_else_are_an_error() {
        let error = convert(b"\x06\0\0\0\x04\0BERT", b"{}", &mut Vec::new()).unwrap_err();
        assert!(matches!(error, ConvertError::Weights(_)), "{error}");
    }
}
