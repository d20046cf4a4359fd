//! Signs as SNS does, with a key and a certificate of the test's own.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::WallTime;
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::Value;

/// An RSA key that certificates can be made of.
#[derive(Clone)]
pub struct Key {
    pair: Arc<RsaKeyPair>,
    public: Vec<u8>,
}

impl Key {
    pub fn random() -> Key {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        Key { pair: Arc::new(pair), public }
    }

    pub fn pkcs8(&self) -> Vec<u8> {
        let der: Pkcs8V1Der<'static> = self.pair.as_der().unwrap();
        der.as_ref().to_vec()
    }

    fn signature(&self, text: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).unwrap();
        signature
    }
}

impl rcgen::PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.signature(message))
    }
}

#[derive(Clone)]
pub struct Signer {
    key: Key,
    pem: String,
}

impl Signer {
    pub fn new(subject: &str) -> Signer {
        let day = Duration::from_secs(24 * 60 * 60);
        Signer::valid(subject, WallTime::now() - day, WallTime::now() + day)
    }

    pub fn valid(subject: &str, from: WallTime, to: WallTime) -> Signer {
        let key = Key::random();
        let mut certificate = CertificateParams::default();
        certificate.serial_number = Some(1.into());
        certificate.distinguished_name = DistinguishedName::new();
        certificate.distinguished_name.push(DnType::CommonName, subject);
        certificate.not_before = SystemTime::from(from).into();
        certificate.not_after = SystemTime::from(to).into();
        let pem = certificate.self_signed(&key).unwrap().pem();
        Signer { key, pem }
    }

    pub fn certificate(&self) -> String {
        self.pem.clone()
    }

    /// Version 2, whatever the message says. Written apart from the code under test.
    pub fn sign(&self, mut message: Value) -> Value {
        let order: &[&str] = match message["Type"].as_str().unwrap() {
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
                &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
            }
            _ => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        };
        let present = order.iter().filter_map(|name| Some((name, message.get(name)?.as_str()?)));
        let text: String = present.map(|(name, value)| format!("{name}\n{value}\n")).collect();
        let signature = self.key.signature(text.as_bytes());
        message["Signature"] = BASE64_STANDARD.encode(signature).into();
        message
    }
}
