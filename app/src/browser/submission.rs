//! What the form sends by script, and what comes back.

use std::collections::BTreeMap;

use domain::JobId;
use leptos::prelude::*;
use serde::Deserialize;
use web_sys::{File, FormData};

/// The part of the answer that matters here.
#[derive(Deserialize)]
pub struct Made {
    pub id: JobId,
}

pub fn field(wish: &FormData, name: &str) -> String {
    wish.get(name).as_string().unwrap_or_default()
}

pub fn upload_address(file: &File, wish: &FormData) -> String {
    let encode = |text: &str| String::from(js_sys::encode_uri_component(text));
    let mut address = format!("/api/v1/uploads?filename={}", encode(&file.name()));
    for name in ["language", "model", "task", "profile"] {
        let value = field(wish, name);
        if !value.is_empty() {
            address.push_str(&format!("&{name}={}", encode(&value)));
        }
    }
    address
}

pub fn link_body(link: &str, wish: &FormData) -> String {
    let mut body = BTreeMap::from([("url", link.trim().to_owned())]);
    for name in ["language", "model", "task", "profile"] {
        let value = field(wish, name);
        if !value.is_empty() {
            body.insert(name, value);
        }
    }
    serde_json::to_string(&body).expect("text is always JSON")
}

/// The same key for the same wish until it is answered: a repeat after a lost answer makes no second job.
pub fn key_of(kept: StoredValue<Option<(String, String)>>, body: &str) -> String {
    if let Some((key, _)) = kept.get_value().filter(|(_, of)| of == body) {
        return key;
    }
    let random = || (js_sys::Math::random() * 2f64.powi(52)) as u64;
    let key = format!("{:013x}{:013x}", random(), random());
    kept.set_value(Some((key.clone(), body.to_owned())));
    key
}
