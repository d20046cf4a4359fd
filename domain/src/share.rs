//! A link that shows one job to whoever has it, and to nobody else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::WallTime;

/// Names a link in lists and in the store: 64 random bits, written as 16 lower-case hex digits. It opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareId(u64);

/// A link as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub id: ShareId,
    /// SHA-256 of the secret in the link, as hex digits. Whoever reads the store cannot open the link by it.
    pub digest: String,
    pub created_at: WallTime,
    /// `None`: as long as the job lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<WallTime>,
}

impl Share {
    /// Links that one job has at once, at most.
    pub const MOST: usize = 50;

    /// Past its time it opens nothing and counts nowhere.
    pub fn is_live(&self, now: WallTime) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at > now)
    }
}

/// A link as its owner sees it, the secret left out: that is told once, to whoever makes the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareView {
    pub id: ShareId,
    pub created_at: WallTime,
    /// Its own end, or that of the job where that comes first.
    pub expires_at: WallTime,
}

/// A new link, with its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewShare {
    pub id: ShareId,
    pub url: String,
    /// HTML that shows the player in a page of another site.
    pub embed: String,
    pub expires_at: WallTime,
}

impl ShareId {
    /// The caller brings the random bits, as for a job's id.
    pub fn from_bits(bits: u64) -> ShareId {
        ShareId(bits)
    }
}

impl fmt::Display for ShareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ShareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a link is 16 lower-case hexadecimal digits")]
pub struct InvalidShareId;

impl FromStr for ShareId {
    type Err = InvalidShareId;

    fn from_str(text: &str) -> Result<ShareId, InvalidShareId> {
        let is_canonical = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_canonical {
            return Err(InvalidShareId);
        }
        u64::from_str_radix(text, 16).map(ShareId).map_err(|_| InvalidShareId)
    }
}

impl Serialize for ShareId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ShareId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ShareId, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_link_has_one_spelling() {
        let check = |text: &str, expect: Result<u64, InvalidShareId>| {
            assert_eq!(text.parse::<ShareId>(), expect.map(ShareId::from_bits), "{text:?}");
        };
        check("0000000000000000", Ok(0));
        check("00000000000000ff", Ok(255));
        check("ffffffffffffffff", Ok(u64::MAX));
        check("FFFFFFFFFFFFFFFF", Err(InvalidShareId));
        check("+00000000000000f", Err(InvalidShareId));
        check("ff", Err(InvalidShareId));
        check("é00000000000000", Err(InvalidShareId));
        check("", Err(InvalidShareId));
    }

    #[test]
    fn a_link_ends_at_its_end_and_one_without_an_end_does_not() {
        let at = |second: i64| WallTime::from_second(second).unwrap();
        let share = |expires_at| Share {
            id: ShareId(1),
            digest: String::new(),
            created_at: WallTime::UNIX_EPOCH,
            expires_at,
        };
        assert!(share(Some(at(10))).is_live(at(9)));
        assert!(!share(Some(at(10))).is_live(at(10)));
        assert!(share(None).is_live(WallTime::MAX));
    }
}
