//! One module for each page.

mod job;
mod not_found;
mod start;

pub use job::JobPage;
pub use not_found::NotFoundPage;
pub use start::StartPage;
