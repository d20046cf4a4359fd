//! The only crate that serves HTTP to people.
