//! One module for each page.

mod job;
mod not_found;
mod start;
mod unavailable;

pub use job::JobPage;
pub use not_found::NotFound;
pub use start::StartPage;
use unavailable::Unavailable;
