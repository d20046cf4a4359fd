//! This machine's clock against the service's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};

use crate::doctor::Finding;

/// AWS refuses what was signed more than five minutes ago, or ahead.
const REFUSED: Duration = Duration::from_secs(4 * 60);
const NOTICEABLE: Duration = Duration::from_secs(15);

/// Notes the `Date` header of the latest answer, and when it came.
#[derive(Debug, Clone, Default)]
pub struct Dates(Arc<Mutex<Option<(String, SystemTime)>>>);

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            let noted = (date.to_owned(), SystemTime::now());
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(noted);
        }
        Ok(())
    }
}

impl Dates {
    /// Nothing where no answer came: another line says so.
    pub fn judge(&self) -> Option<Finding> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        noted.map(|(date, here)| judge(&date, here))
    }
}

fn judge(date: &str, here: SystemTime) -> Finding {
    let there = DateTime::from_str(date, DateTimeFormat::HttpDate).ok();
    let Some(there) = there.and_then(|there| SystemTime::try_from(there).ok()) else {
        return Finding::warn("clock", format!("the service tells no time that can be read: {date}"), "");
    };
    let (difference, way) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let found = format!("{} s {way} the service's", difference.as_secs());
    let advice = "set this machine's clock, for good: timedatectl set-ntp true";
    match difference {
        difference if difference >= REFUSED => Finding::fail("clock", found, advice),
        difference if difference >= NOTICEABLE => Finding::warn("clock", found, advice),
        _ => Finding::ok("clock", "agrees with the service's"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_clock_is_wrong_long_before_aws_refuses_its_signatures() {
        // 784887151 seconds after 1970, as the HTTP specification's own example has it.
        let date = "Tue, 15 Nov 1994 08:12:31 GMT";
        let check = |seconds: u64, expect: Verdict, words: &str| {
            let finding = judge(date, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(finding.verdict, expect, "{finding}");
            assert!(finding.found.contains(words), "{finding}");
        };
        check(784_887_151, Verdict::Ok, "agrees");
        check(784_887_153, Verdict::Ok, "agrees");
        check(784_887_151 + 60, Verdict::Warn, "60 s ahead of");
        check(784_887_151 - 60, Verdict::Warn, "60 s behind");
        check(784_887_151 - 600, Verdict::Fail, "600 s behind");
        assert_eq!(judge("soon", SystemTime::now()).verdict, Verdict::Warn);
    }
}
