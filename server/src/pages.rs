//! The pages of `app`, what they read anew, and the files they load.

use std::sync::Arc;

use app::api::{Desk, DeskError, JobDetail, JobRows};
use axum::extract::{Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use leptos::nonce::use_nonce;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list, render_app_async_with_context};
use tower_http::compression::CompressionLayer;
use tower_http::services::{ServeDir, ServeFile};

use crate::Server;
use crate::error::{ApiError, Result};
use crate::operators::Visitors;
use crate::query::{self, Query};
use crate::{assets, guard, language};

/// Every page, what pages read anew, and every file under the site folder; what is none of them is the page that says
/// so.
pub fn router(server: &Server, visitors: Visitors) -> Router {
    let site = &server.config.site;
    let options = LeptosOptions::builder()
        .output_name("cuelight")
        .site_root(site.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(server.address)
        .build();
    let desk: Arc<dyn Desk> = Arc::new(server.clone());
    let context = move || {
        provide_context(desk.clone());
        choose_language();
        set_content_security_policy();
    };
    let assets = assets::find(site);
    let shell = {
        let assets = assets.clone();
        move || app::shell(assets.clone(), visitors == Visitors::Operators)
    };
    let not_found = get(render_app_async_with_context(context.clone(), shell.clone()));
    // Compressed when ./dev built them for release; else on the way, which is faster and leaves them larger.
    let files = ServeDir::new(site)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(not_found.with_state::<()>(()));
    let routes = generate_route_list(app::App);
    // Not under /api/v1: these are as the pages of this very version want them, and other programs must not mind.
    let readings = Router::new()
        .route("/texts/{tag}", get(language::texts))
        .route("/api/pages/jobs", get(list_jobs))
        .route("/api/pages/jobs/delete", post(delete_jobs))
        .route("/api/pages/jobs/{id}", get(read_job))
        .with_state(server.clone());
    Router::new()
        .leptos_routes_with_context(&options, routes, context, shell)
        .route_service(STYLE, style(site))
        .with_state(options)
        .merge(readings)
        .layer(middleware::from_fn(guard::in_time))
        .fallback_service(files)
        .layer(middleware::from_fn_with_state(assets, assets::keep))
        .layer(CompressionLayer::new())
}

/// Where pages ask for it.
pub const STYLE: &str = "/pkg/cuelight.css";

pub fn style(site: &std::path::Path) -> ServeFile {
    let built = site.join("pkg/cuelight.css");
    ServeFile::new(if built.exists() { built } else { site.join("main.css") }).precompressed_br()
}

async fn list_jobs(State(server): State<Server>, RawQuery(text): RawQuery) -> Result<Json<JobRows>> {
    let query = Query::parse(text.as_deref()).listing();
    Ok(Json(Desk::list(&server, &query).await?))
}

/// `?ids=` with commas between them. Those that are gone already are no error.
async fn delete_jobs(State(server): State<Server>, RawQuery(text): RawQuery) -> Result<StatusCode> {
    server.delete_all(&query::ids(text.as_deref())?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `null` where there is no such job: a browser would log a status as an error of the page.
async fn read_job(State(server): State<Server>, Path(id): Path<String>) -> Result<Json<Option<JobDetail>>> {
    Ok(Json(Desk::job(&server, query::job_id(&id)?).await?))
}

impl From<DeskError> for ApiError {
    fn from(DeskError: DeskError) -> ApiError {
        ApiError::unavailable()
    }
}

/// That of the browser; caches keep a page for each.
fn choose_language() {
    let Some(parts) = use_context::<Parts>() else { return };
    if let Some(language) = language::of(&parts.headers) {
        language.provide();
    }
    if let Some(response) = use_context::<ResponseOptions>() {
        response.append_header(header::VARY, HeaderValue::from_static("accept-encoding, accept-language"));
    }
}

/// Only our own script runs, and the inline one that starts it by its nonce; nobody frames us.
fn set_content_security_policy() {
    // Without a nonce it is no page, and gets the strict default.
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is base64");
    response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
}
