//! Wall-clock time in the browser: what is left of jiff when nothing is computed with calendars and zones. A page reads
//! what servers write, compares, and writes it again; jiff would be a tenth of the WASM.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment from year 0 to year 9999, to the nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime {
    /// Since 1970; rounded down.
    seconds: i64,
    nanoseconds: u32,
}

/// Not `YYYY-MM-DDTHH:MM:SS[.fraction]Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a moment is written as 1970-01-01T00:00:00Z")]
pub struct InvalidWallTime;

impl WallTime {
    /// Milliseconds since 1970.
    pub fn as_millisecond(self) -> i64 {
        self.seconds * 1000 + i64::from(self.nanoseconds / 1_000_000)
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanoseconds > 0 {
            let (mut fraction, mut width) = (self.nanoseconds, 9);
            while fraction % 10 == 0 {
                (fraction, width) = (fraction / 10, width - 1);
            }
            write!(f, ".{fraction:0width$}")?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for WallTime {
    type Err = InvalidWallTime;

    fn from_str(text: &str) -> Result<WallTime, InvalidWallTime> {
        parse(text.as_bytes()).ok_or(InvalidWallTime)
    }
}

fn parse(text: &[u8]) -> Option<WallTime> {
    let (whole, rest) = text.split_at_checked(19)?;
    let marks = [whole[4], whole[7], whole[10], whole[13], whole[16]];
    let (year, month, day) = (number(&whole[..4])?, number(&whole[5..7])?, number(&whole[8..10])?);
    let (hour, minute, second) = (number(&whole[11..13])?, number(&whole[14..16])?, number(&whole[17..])?);
    let is_time = marks == *b"--T::" && hour < 24 && minute < 60 && second < 60;
    // A day that there is not is another one when it is written again.
    let days = days(year, month, day);
    if !is_time || date(days) != (year, month, day) {
        return None;
    }
    let nanoseconds = match rest.strip_suffix(b"Z")? {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            number(digits)? * 10_i64.pow(9 - digits.len() as u32)
        }
        _ => return None,
    };
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(WallTime { seconds, nanoseconds: nanoseconds as u32 })
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Days since 1970 of a date, and back: Howard Hinnant's `days_from_civil` and `civil_from_days`, whose years begin in
/// March, so that the leap day is the last of one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl Serialize for WallTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WallTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<WallTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_moment_is_what_it_is_to_servers(second in -62_167_219_200i64..253_402_207_200, nanosecond in 0i32..1_000_000_000, zeros in 0u32..10) {
            let nanosecond = nanosecond / 10_i32.pow(zeros) * 10_i32.pow(zeros);
            let theirs = jiff::Timestamp::from_second(second).unwrap();
            let theirs = theirs + jiff::SignedDuration::new(0, nanosecond);
            let ours: WallTime = theirs.to_string().parse().unwrap();
            prop_assert_eq!(ours.to_string(), theirs.to_string());
            prop_assert_eq!((ours.seconds, ours.nanoseconds as i32), (second, nanosecond));
            if second >= 0 {
                prop_assert_eq!(ours.as_millisecond(), theirs.as_millisecond());
            }
            let json = serde_json::to_string(&theirs).unwrap();
            prop_assert_eq!(serde_json::from_str::<WallTime>(&json).unwrap(), ours);
        }

        #[test]
        fn any_text_is_a_moment_to_servers_too_or_refused(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,10})?Z?") {
            let (ours, theirs) = (text.parse::<WallTime>(), text.parse::<jiff::Timestamp>());
            if let Ok(ours) = ours {
                prop_assert_eq!(Ok(ours.to_string()), theirs.map(|theirs| theirs.to_string()).map_err(|error| error.to_string()));
            }
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01 00:00:00Z",
            "1970-02-30T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1234567890Z",
            "é970-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<WallTime>(), Err(InvalidWallTime), "{text}");
        }
    }
}
