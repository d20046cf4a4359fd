//! The only crate that knows audio and the model.
