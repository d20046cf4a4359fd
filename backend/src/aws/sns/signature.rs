//! Whether SNS signed a message: RSA PKCS#1 v1.5 over its text, with the key of a certificate that SNS publishes.

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::certificate::Certificate;
use super::envelope::Envelope;
use super::{Forgery, SignaturePolicy};

/// A signature as it came, decoded.
pub struct Signature {
    algorithm: &'static RsaParameters,
    bytes: Vec<u8>,
}

impl Signature {
    /// Everything about it that can be judged without the certificate.
    pub fn of(envelope: &Envelope, policy: SignaturePolicy) -> Result<Signature, Forgery> {
        let algorithm = match envelope.signature_version.as_str() {
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            "1" if policy == SignaturePolicy::Any => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "1" => return Err(Forgery::OldSignature),
            _ => return Err(Forgery::Signature),
        };
        let bytes = BASE64_STANDARD.decode(&envelope.signature).map_err(|_| Forgery::Signature)?;
        if bytes.is_empty() {
            return Err(Forgery::Signature);
        }
        Ok(Signature { algorithm, bytes })
    }

    pub fn verify(&self, envelope: &Envelope, certificate: &Certificate) -> Result<(), Forgery> {
        let key = UnparsedPublicKey::new(self.algorithm, &certificate.public_key);
        let text = envelope.string_to_sign();
        key.verify(text.as_bytes(), &self.bytes).map_err(|_| Forgery::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::sns::certificate;

    /// Made with `openssl dgst -sha1 -sign` and `-sha256 -sign`, of the same text with the same key.
    const ENVELOPES: [&str; 2] =
        [include_str!("fixtures/version_1.json"), include_str!("fixtures/version_2.json")];
    const SIGNER: &str = include_str!("fixtures/signer.pem");

    fn verify(envelope: &Envelope, policy: SignaturePolicy) -> Result<(), Forgery> {
        let certificate = certificate::read(SIGNER.as_bytes(), &["sns.amazonaws.com".into()]).unwrap();
        Signature::of(envelope, policy)?.verify(envelope, &certificate)
    }

    fn envelope(version: usize) -> Envelope {
        Envelope::parse(ENVELOPES[version - 1].as_bytes()).unwrap()
    }

    #[test]
    fn what_openssl_signed_is_verified_in_both_versions() {
        assert_eq!(verify(&envelope(1), SignaturePolicy::Any), Ok(()));
        assert_eq!(verify(&envelope(2), SignaturePolicy::Any), Ok(()));
        assert_eq!(verify(&envelope(2), SignaturePolicy::VersionTwo), Ok(()));
        assert_eq!(verify(&envelope(1), SignaturePolicy::VersionTwo), Err(Forgery::OldSignature));
    }

    #[test]
    fn a_signature_of_another_version_or_of_no_form_is_refused() {
        let check = |version: &str, signature: &str| {
            let envelope =
                Envelope { signature_version: version.into(), signature: signature.into(), ..envelope(2) };
            assert_eq!(verify(&envelope, SignaturePolicy::Any), Err(Forgery::Signature));
        };
        let signature = envelope(2).signature;
        check("1", &signature);
        check("3", &signature);
        check("", &signature);
        check("2", "");
        check("2", "FAKE");
        check("2", "not base64");
        check("2", &envelope(1).signature);
        check("2", &"A".repeat(10_000));
    }

    #[test]
    fn a_certificate_of_somebody_else_is_none() {
        assert!(
            certificate::read(SIGNER.as_bytes(), &["sns-signing.me-south-1.amazonaws.com".into()]).is_none()
        );
        assert!(certificate::read(b"no certificate", &["sns.amazonaws.com".into()]).is_none());
    }
}
