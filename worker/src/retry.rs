//! When a job that failed for a passing reason comes again, and when it does not.

use std::time::Duration;

use rand::Rng;

/// Attempts are counted by the message's receive count: it starts anew when a person retries the job, and it is
/// the same for every worker. A message that was given back by a stopping worker counts too.
#[derive(Debug, Clone)]
pub struct RetryConfig {
    /// From this delivery on a passing failure ends the job.
    pub max_attempts: u32,
    /// From this delivery on a crash of the engine ends the job.
    pub crash_budget: u32,
    /// Wait after the first delivery; doubled for each one after it.
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
    /// The wait after delivery number `receive_count`, without jitter.
    pub fn delay(&self, receive_count: u32) -> Duration {
        let doublings = receive_count.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// The wait after delivery number `receive_count`, up to a quarter shorter or longer: workers that failed
    /// together do not come back together.
    pub fn delay_with_jitter(&self, receive_count: u32) -> Duration {
        self.delay(receive_count).mul_f64(rand::rng().random_range(0.75..1.25))
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
