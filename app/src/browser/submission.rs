//! What the form sends by script, and what comes back.

use domain::JobId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
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
    #[derive(Serialize)]
    struct Body<'a> {
        url: &'a str,
        language: Option<String>,
        model: Option<String>,
        task: Option<String>,
        profile: Option<String>,
    }
    let chosen = |name: &str| Some(field(wish, name)).filter(|value| !value.is_empty());
    let body = Body {
        url: link.trim(),
        language: chosen("language"),
        model: chosen("model"),
        task: chosen("task"),
        profile: chosen("profile"),
    };
    serde_json::to_string(&body).expect("text is always JSON")
}

/// Bodies with the keys they were sent with, as long as no answer came.
pub type Keys = StoredValue<Vec<(String, String)>>;

/// The same key for the same wish until it is answered: a repeat after a lost answer makes no second job.
pub fn key_of(kept: Keys, body: &str) -> String {
    let known = kept.with_value(|kept| kept.iter().find(|(of, _)| of == body).map(|(_, key)| key.clone()));
    if let Some(key) = known {
        return key;
    }
    let random = || (js_sys::Math::random() * 2f64.powi(52)) as u64;
    let key = format!("{:013x}{:013x}", random(), random());
    kept.update_value(|kept| kept.push((body.to_owned(), key.clone())));
    key
}

/// An answer came: the same wish again is another one.
pub fn forget_key(kept: Keys, body: &str) {
    kept.try_update_value(|kept| kept.retain(|(of, _)| of != body));
}

/// The links in a text, one a line or with blanks or commas between them.
pub fn links(text: &str) -> Vec<String> {
    let links =
        text.split_whitespace().map(|link| link.trim_matches([',', ';'])).filter(|link| !link.is_empty());
    links.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_apart_by_what_no_link_holds() {
        let check = |text: &str, expect: &[&str]| assert_eq!(links(text), expect, "{text:?}");
        check("", &[]);
        check(" \r\n", &[]);
        check("https://a.example/1.mp4", &["https://a.example/1.mp4"]);
        check(
            "https://a/1,2\r\n\r\n https://b/x;y\thttps://c",
            &["https://a/1,2", "https://b/x;y", "https://c"],
        );
        check("https://a, https://b;", &["https://a", "https://b"]);
        check("https://web.archive.example/https://a/b", &["https://web.archive.example/https://a/b"]);
    }
}
