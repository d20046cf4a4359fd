//! When a job that failed for a passing reason comes again, and when it does not.

use std::time::Duration;

use domain::{Job, JobStatus};
use rand::Rng;

/// Failures and crashes are counted apart, in the job itself: they start anew when a person retries the job, and a
/// job that a stopping worker gave back counts neither. How often the queue delivered the message decides nothing.
#[derive(Debug, Clone)]
pub struct RetryConfig {
    /// The passing failure of this number ends the job.
    pub max_attempts: u32,
    /// The crash of this number ends the job, be it of the engine or of the whole worker.
    pub crash_budget: u32,
    /// Wait after the first failure; doubled for each one after it.
    pub base: Duration,
    pub cap: Duration,
}

impl Default for RetryConfig {
    fn default() -> RetryConfig {
        RetryConfig {
            max_attempts: 4,
            crash_budget: 3,
            base: Duration::from_secs(2),
            cap: Duration::from_secs(5 * 60),
        }
    }
}

impl RetryConfig {
    /// Whether the job was given up because it was tried often enough, and not for what its media is.
    pub fn is_exhausted(&self, job: &Job) -> bool {
        job.status == JobStatus::Failed
            && (job.failures >= self.max_attempts || job.crashes >= self.crash_budget)
    }

    /// The wait after failure number `count`, without jitter.
    pub fn delay(&self, count: u32) -> Duration {
        let doublings = count.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// The wait after failure number `count`, up to a quarter shorter or longer: workers that failed
    /// together do not come back together.
    pub fn delay_with_jitter(&self, count: u32) -> Duration {
        self.delay(count).mul_f64(rand::rng().random_range(0.75..1.25))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap() {
        let retry = RetryConfig { cap: Duration::from_secs(9), ..RetryConfig::default() };
        let delays: Vec<u64> = (0..6).map(|count| retry.delay(count).as_secs()).collect();
        assert_eq!(delays, [2, 2, 4, 8, 9, 9]);
        assert_eq!(retry.delay(u32::MAX).as_secs(), 9);
    }
}
