//! The link as it stands in an address: `NAME.SECRET`.

use std::borrow::Cow;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::{Share, ShareId};
use sha2::{Digest as _, Sha256};

/// Shows its name and never its secret.
pub struct Link {
    pub id: ShareId,
    /// 128 random bits as 32 lower-case hex digits.
    secret: String,
}

impl Link {
    pub fn random() -> Link {
        Link { id: ShareId::from_bits(rand::random()), secret: format!("{:032x}", rand::random::<u128>()) }
    }

    /// `None`: no such link was ever made.
    pub fn parse(text: &str) -> Option<Link> {
        let (id, secret) = text.split_once('.')?;
        let is_secret = secret.len() == 32 && secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        Some(Link { id: id.parse().ok()?, secret: is_secret.then(|| secret.to_owned())? })
    }

    /// The address of its page.
    pub fn path(&self) -> String {
        format!("{FOLDER}{}.{}", self.id, self.secret)
    }

    /// What is stored of the secret.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(self.secret.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn opens(&self, share: &Share) -> bool {
        self.id == share.id
            && verify_slices_are_equal(self.digest().as_bytes(), share.digest.as_bytes()).is_ok()
    }
}

/// Everything that viewers need is under it.
const FOLDER: &str = "/share/";

/// The path of a request for the log, which must not hold what opens a link.
pub fn without_secret(path: &str) -> Cow<'_, str> {
    let Some((before, rest)) = path.split_once(FOLDER) else { return Cow::Borrowed(path) };
    let (link, part) = rest.split_once('/').map_or((rest, ""), |(link, part)| (link, part));
    match Link::parse(link) {
        Some(Link { id, .. }) if !part.contains('.') || part.starts_with("track.") => {
            let slash = if part.is_empty() { "" } else { "/" };
            Cow::Owned(format!("{before}{FOLDER}{id}…{slash}{part}"))
        }
        // A link with a slip of the pen in it, perhaps.
        _ => Cow::Owned(format!("{before}{FOLDER}…")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn only_the_very_secret_opens_a_link() {
        let link = Link::random();
        let share = Share {
            id: link.id,
            digest: link.digest(),
            created_at: domain::WallTime::UNIX_EPOCH,
            expires_at: None,
        };
        let text = link.path().replace(FOLDER, "");
        assert!(Link::parse(&text).unwrap().opens(&share));
        let other = Link { id: link.id, ..Link::random() };
        assert!(!other.opens(&share));
        assert!(!Link { id: ShareId::from_bits(0), secret: link.secret.clone() }.opens(&share));
        assert!(!share.digest.contains(&link.secret) && share.digest.len() == 64);
        assert_ne!(Link::random().secret, Link::random().secret);
    }

    #[test]
    fn a_link_has_one_spelling() {
        let check = |text: String, is_link: bool| assert_eq!(Link::parse(&text).is_some(), is_link, "{text}");
        check(format!("00000000000000ff.{SECRET}"), true);
        check(format!("00000000000000ff.{}", SECRET.to_uppercase()), false);
        check(format!("00000000000000ff.{SECRET}0"), false);
        check(format!("00000000000000ff.{}", &SECRET[1..]), false);
        check(format!("00000000000000ff{SECRET}"), false);
        check(format!("0000000000000fF.{SECRET}"), false);
        check(format!("00000000000000ff%2e{SECRET}"), false);
        check(String::new(), false);
    }

    #[test]
    fn no_spelling_of_a_link_gets_into_the_log() {
        let check = |path: &str, expect: &str| {
            let path = path.replace("SECRET", SECRET);
            assert_eq!(without_secret(&path), expect, "{path}");
        };
        check("/jobs/00112233445566778899aabbccddeeff", "/jobs/00112233445566778899aabbccddeeff");
        check("/api/v1/jobs/a/shares/00000000000000ff", "/api/v1/jobs/a/shares/00000000000000ff");
        check("/share/00000000000000ff.SECRET", "/share/00000000000000ff…");
        check("/share/00000000000000ff.SECRET/embed", "/share/00000000000000ff…/embed");
        check("/share/00000000000000ff.SECRET/track.vtt", "/share/00000000000000ff…/track.vtt");
        check("//share/00000000000000ff.SECRET", "//share/00000000000000ff…");
        check("/share/00000000000000ff.SECRETx", "/share/…");
        check("/share/00000000000000ff%2eSECRET/media", "/share/…");
        check("/share//00000000000000ff.SECRET", "/share/…");
        check("/share/00000000000000ff.SECRET/00000000000000ff.SECRET", "/share/…");
        check("/share/cuelight.css", "/share/…");
    }
}
