//! What only the embedded adapter promises.
