//! What a page was made of, read anew.

use domain::JobId;
use leptos::prelude::window;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestInit, Response};

use crate::api::{DeskError, JobDetail, JobQuery, JobRows};

/// What takes longer is given up: the page asks again later anyway.
const PATIENCE_MS: u32 = 25_000;

/// A page of the jobs, newest first.
pub async fn list_jobs(query: &JobQuery) -> Result<JobRows, DeskError> {
    read(&query.address_at("/api/pages/jobs")).await
}

/// `None`: unknown, deleted and expired look alike.
pub async fn get_job(id: JobId) -> Result<Option<JobDetail>, DeskError> {
    read(&format!("/api/pages/jobs/{id}")).await
}

/// No answer, and one that only a newer page understands, are the same here.
async fn read<T: DeserializeOwned>(address: &str) -> Result<T, DeskError> {
    let text = fetch(address).await.ok().flatten().ok_or(DeskError)?;
    serde_json::from_str(&text).map_err(|_| DeskError)
}

async fn fetch(address: &str) -> Result<Option<String>, JsValue> {
    let options = RequestInit::new();
    options.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE_MS)));
    let response = JsFuture::from(window().fetch_with_str_and_init(address, &options)).await?;
    let response: Response = response.dyn_into()?;
    if !response.ok() {
        return Ok(None);
    }
    Ok(JsFuture::from(response.text()?).await?.as_string())
}
