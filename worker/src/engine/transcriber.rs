//! What an engine must do with a window, whatever model is behind it.

use domain::{Task, Word};

use super::voice::Window;

/// BCP 47 tag of a language, and its probability from 0 to 1.
pub type LanguageProbability = (&'static str, f32);

/// One worker's hold on a model. Several may share the weights; each is used by one thread at a time.
pub trait Transcriber: Send {
    /// How probable it is that `window` speaks each language that the model knows, always in the same order.
    fn detect_language(&mut self, window: &Window) -> anyhow::Result<Vec<LanguageProbability>>;

    /// The words of `window`, in order, with times on the media's time line that lie inside the window.
    /// `language` is one the model knows. Without words in it the answer is empty.
    fn transcribe(&mut self, window: &Window, language: &str, task: Task) -> anyhow::Result<Vec<Word>>;
}

/// Weights in memory, shared by all their transcribers.
pub trait SpeechModel: Send {
    fn is_multilingual(&self) -> bool;

    fn transcriber(&self) -> anyhow::Result<Box<dyn Transcriber>>;
}
