//! What an engine must do with a window, whatever model is behind it.

use domain::{Task, Word};

use super::voice::Window;

/// One worker's hold on a model. Several may share the weights; each is used by one thread at a time.
pub trait Transcriber: Send {
    /// BCP 47 tag of the language spoken in `window`.
    fn detect_language(&mut self, window: &Window) -> anyhow::Result<String>;

    /// The words of `window`, in order, with times on the media's time line that lie inside the window.
    /// `language` is one the model knows. Without words in it the answer is empty.
    fn transcribe(&mut self, window: &Window, language: &str, task: Task) -> anyhow::Result<Vec<Word>>;
}
