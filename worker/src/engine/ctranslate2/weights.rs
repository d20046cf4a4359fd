//! Turns whisper.cpp's model file into what CTranslate2 loads, in memory: both engines share one file.

use anyhow::Context;
use half::f16;

use crate::engine::ggml::{Ggml, Tensor};
use crate::engine::tokens::Tokens;

/// The three files of a CTranslate2 model.
pub struct ModelFiles {
    pub weights: Vec<u8>,
    pub config: String,
    pub vocabulary: String,
}

impl ModelFiles {
    pub fn of(ggml: &Ggml<'_>, tokens: &Tokens) -> anyhow::Result<ModelFiles> {
        Ok(ModelFiles {
            weights: weights(ggml)?,
            config: config(ggml, tokens),
            vocabulary: vocabulary(ggml, tokens),
        })
    }
}

const INT8: u8 = 1;
const INT16: u8 = 2;
const FLOAT16: u8 = 4;

/// The layout of `model.bin`, binary version 6, of the specification `WhisperSpec` 3.
fn weights(ggml: &Ggml<'_>) -> anyhow::Result<Vec<u8>> {
    let sizes = &ggml.sizes;
    let mut file = File { variables: Vec::new(), count: 0 };
    let heads = |count: usize| i16::try_from(count).unwrap_or(i16::MAX).to_le_bytes();
    for (name, value) in [("activation", 3), ("alibi", 0), ("pre_norm", 1), ("scale_embeddings", 0)] {
        file.push(&format!("decoder/{name}"), &[], INT8, &[value]);
    }
    file.push("decoder/start_from_zero_embedding", &[], INT8, &[0]);
    file.push("decoder/alignment_heads", &[], INT16, &1i16.to_le_bytes());
    file.push("decoder/alignment_layer", &[], INT16, &(-1i16).to_le_bytes());
    file.push("decoder/num_heads", &[], INT16, &heads(sizes.text_heads));
    file.push("encoder/num_heads", &[], INT16, &heads(sizes.audio_heads));

    let mut one = |into: &str, from: &str| file.copy(ggml, into, &[Part::Named(from)]);
    one("decoder/embeddings/weight", "decoder.token_embedding.weight")?;
    one("decoder/position_encodings/encodings", "decoder.positional_embedding")?;
    one("encoder/position_encodings/encodings", "encoder.positional_embedding")?;
    for (into, from) in [("decoder/layer_norm", "decoder.ln"), ("encoder/layer_norm", "encoder.ln_post")] {
        file.norm(ggml, into, from)?;
    }
    for convolution in ["conv1", "conv2"] {
        file.linear(ggml, &format!("encoder/{convolution}"), &format!("encoder.{convolution}"))?;
    }
    for (side, layers) in [("encoder", sizes.audio_layers), ("decoder", sizes.text_layers)] {
        for layer in 0..layers {
            let (into, from) = (format!("{side}/layer_{layer}"), format!("{side}.blocks.{layer}"));
            file.norm(ggml, &format!("{into}/ffn/layer_norm"), &format!("{from}.mlp_ln"))?;
            file.linear(ggml, &format!("{into}/ffn/linear_0"), &format!("{from}.mlp.0"))?;
            file.linear(ggml, &format!("{into}/ffn/linear_1"), &format!("{from}.mlp.2"))?;
            let (to, attention) = (format!("{into}/self_attention"), format!("{from}.attn"));
            file.norm(ggml, &format!("{to}/layer_norm"), &format!("{from}.attn_ln"))?;
            file.fused(ggml, &format!("{to}/linear_0"), &attention, &["query", "key", "value"], sizes.width)?;
            file.linear(ggml, &format!("{to}/linear_1"), &format!("{attention}.out"))?;
            if side == "decoder" {
                let (to, attention) = (format!("{into}/attention"), format!("{from}.cross_attn"));
                file.norm(ggml, &format!("{to}/layer_norm"), &format!("{from}.cross_attn_ln"))?;
                file.linear(ggml, &format!("{to}/linear_0"), &format!("{attention}.query"))?;
                file.fused(ggml, &format!("{to}/linear_1"), &attention, &["key", "value"], sizes.width)?;
                file.linear(ggml, &format!("{to}/linear_2"), &format!("{attention}.out"))?;
            }
        }
    }
    Ok(file.finish())
}

struct File {
    variables: Vec<u8>,
    count: u32,
}

/// A piece of a variable, along its first dimension.
enum Part<'a> {
    Named(&'a str),
    /// So many zeros: keys have no bias.
    Zeros(usize),
}

impl File {
    fn push(&mut self, name: &str, shape: &[usize], kind: u8, data: &[u8]) {
        push_name(&mut self.variables, name);
        self.variables.push(shape.len() as u8);
        for count in shape {
            self.variables.extend((*count as u32).to_le_bytes());
        }
        self.variables.push(kind);
        self.variables.extend((data.len() as u32).to_le_bytes());
        self.variables.extend(data);
        self.count += 1;
    }

    /// Everything in float16: what ggml has in float32 was float16 when it was published.
    fn copy(&mut self, ggml: &Ggml<'_>, into: &str, parts: &[Part<'_>]) -> anyhow::Result<()> {
        let mut shape = Vec::new();
        let mut rows = 0;
        let mut data = Vec::new();
        for part in parts {
            match part {
                Part::Zeros(count) => {
                    data.resize(data.len() + 2 * count, 0);
                    rows += count;
                }
                Part::Named(name) => {
                    let tensor =
                        ggml.tensors.get(name).with_context(|| format!("the model has no {name}"))?;
                    shape = shape_of(name, tensor);
                    rows += shape[0];
                    if tensor.is_half {
                        data.extend_from_slice(tensor.data);
                        continue;
                    }
                    for four in tensor.data.chunks_exact(4) {
                        let number = f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                        data.extend(f16::from_f32(number).to_le_bytes());
                    }
                }
            }
        }
        anyhow::ensure!(!shape.is_empty(), "{into} has no shape");
        shape[0] = rows;
        self.push(into, &shape, FLOAT16, &data);
        Ok(())
    }

    fn norm(&mut self, ggml: &Ggml<'_>, into: &str, from: &str) -> anyhow::Result<()> {
        self.copy(ggml, &format!("{into}/gamma"), &[Part::Named(&format!("{from}.weight"))])?;
        self.copy(ggml, &format!("{into}/beta"), &[Part::Named(&format!("{from}.bias"))])
    }

    fn linear(&mut self, ggml: &Ggml<'_>, into: &str, from: &str) -> anyhow::Result<()> {
        self.copy(ggml, &format!("{into}/weight"), &[Part::Named(&format!("{from}.weight"))])?;
        self.copy(ggml, &format!("{into}/bias"), &[Part::Named(&format!("{from}.bias"))])
    }

    /// Query, key and value in one matrix.
    fn fused(
        &mut self,
        ggml: &Ggml<'_>,
        into: &str,
        from: &str,
        parts: &[&str],
        width: usize,
    ) -> anyhow::Result<()> {
        let names: Vec<_> = parts.iter().map(|part| format!("{from}.{part}.weight")).collect();
        let named: Vec<_> = names.iter().map(|name| Part::Named(name)).collect();
        self.copy(ggml, &format!("{into}/weight"), &named)?;
        let names: Vec<_> = parts.iter().map(|part| (*part, format!("{from}.{part}.bias"))).collect();
        let bias =
            |(part, name): &'_ (&str, String)| -> Option<String> { (*part != "key").then(|| name.clone()) };
        let owned: Vec<_> = names.iter().map(bias).collect();
        let biases: Vec<_> =
            owned.iter().map(|name| name.as_deref().map_or(Part::Zeros(width), Part::Named)).collect();
        self.copy(ggml, &format!("{into}/bias"), &biases)
    }

    fn finish(self) -> Vec<u8> {
        let mut file = Vec::with_capacity(self.variables.len() + 100);
        file.extend(6u32.to_le_bytes());
        push_name(&mut file, "WhisperSpec");
        file.extend(3u32.to_le_bytes());
        file.extend(self.count.to_le_bytes());
        file.extend(self.variables);
        file.extend(1u32.to_le_bytes());
        push_name(&mut file, "decoder/projection/weight");
        push_name(&mut file, "decoder/embeddings/weight");
        file
    }
}

fn push_name(file: &mut Vec<u8>, name: &str) {
    file.extend((name.len() as u16 + 1).to_le_bytes());
    file.extend(name.as_bytes());
    file.push(0);
}

/// ggml gives the biases of the convolutions a second dimension.
fn shape_of(name: &str, tensor: &Tensor<'_>) -> Vec<usize> {
    if name.ends_with("bias") { vec![tensor.shape.iter().product()] } else { tensor.shape.clone() }
}

/// Tokens that a caption never wants, and the heads that look where the sound is.
fn config(ggml: &Ggml<'_>, tokens: &Tokens) -> String {
    let suppressed = tokens.suppressed(&ggml.words);
    let languages: Vec<usize> = (0..tokens.languages).map(|number| tokens.start + 1 + number).collect();
    let mut begin: Vec<usize> = ggml.words.iter().position(|word| *word == b" ").into_iter().collect();
    begin.push(tokens.end);
    serde_json::json!({
        "suppress_ids": suppressed,
        "suppress_ids_begin": begin,
        "lang_ids": languages,
        "alignment_heads": alignment_heads(ggml),
    })
    .to_string()
}

/// The cross-attention heads that OpenAI found to look at the sound of the word, as layer and head; for sizes without
/// such a list all heads of the upper half.
fn alignment_heads(ggml: &Ggml<'_>) -> Vec<(usize, usize)> {
    let (layers, heads) = (ggml.sizes.text_layers, ggml.sizes.text_heads);
    let is_english = ggml.sizes.tokens < crate::engine::tokens::MULTILINGUAL_TOKENS;
    match (layers, is_english) {
        (4, true) => vec![(1, 0), (2, 0), (2, 5), (3, 0), (3, 1), (3, 2), (3, 3), (3, 4)],
        (4, false) => vec![(2, 2), (3, 0), (3, 2), (3, 3), (3, 4), (3, 5)],
        (6, true) => vec![(3, 3), (4, 7), (5, 1), (5, 5), (5, 7)],
        (6, false) => vec![(3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)],
        _ => (layers / 2..layers).flat_map(|layer| (0..heads).map(move |head| (layer, head))).collect(),
    }
}

/// By how many milliseconds these heads look at a word too late; negative if too early. Measured on speech in which each
/// word's onset is known (`./dev bench engine`) and, after pauses, on people's; zero for what was not measured.
pub fn lag_ms(ggml: &Ggml<'_>) -> i64 {
    let is_english = ggml.sizes.tokens < crate::engine::tokens::MULTILINGUAL_TOKENS;
    match (ggml.sizes.text_layers, is_english) {
        (4, true) => 60,
        (6, false) => -45,
        _ => 0,
    }
}

/// A line for each token. Text tokens are told by their numbers, so only the names of the others matter; those of
/// languages are numbers too.
fn vocabulary(ggml: &Ggml<'_>, tokens: &Tokens) -> String {
    let name = |token: usize| match token {
        // It is how CTranslate2 knows a multilingual model.
        token if tokens.is_multilingual && token + 1 == tokens.end => String::new(),
        token if token == tokens.end => "<|endoftext|>".to_owned(),
        token if token == tokens.start => "<|startoftranscript|>".to_owned(),
        token if token == tokens.no_speech => "<|nospeech|>".to_owned(),
        token if token == tokens.no_timestamps => "<|notimestamps|>".to_owned(),
        token if (tokens.start + 1..=tokens.start + tokens.languages).contains(&token) => {
            format!("<|{}|>", token - tokens.start - 1)
        }
        token => format!("token{token}"),
    };
    (0..ggml.sizes.tokens).map(|token| name(token) + "\n").collect()
}
