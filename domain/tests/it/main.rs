//! What concerns the whole workspace, and what other programs make of our files.

mod architecture;
mod foreign;
