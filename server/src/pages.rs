//! The pages of `app`, their server functions, and the files they load.

use std::path::Path;
use std::sync::Arc;

use app::api::Desk;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use leptos::nonce::use_nonce;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list, render_app_async_with_context};
use tower_http::compression::CompressionLayer;
use tower_http::services::{ServeDir, ServeFile};

use crate::operators::Visitors;
use crate::{Server, guard};

/// Every page, every server function, and every file under the site folder; what is none of them is the page
/// that says so.
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
        set_content_security_policy();
    };
    let shell = {
        let options = options.clone();
        move || app::shell(options.clone(), visitors == Visitors::Operators)
    };
    let not_found = get(render_app_async_with_context(context.clone(), shell.clone()));
    // Built compressed where ./dev did so; else compressed on the way.
    let files = ServeDir::new(site)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(not_found.with_state::<()>(()));
    let routes = generate_route_list(app::App);
    Router::new()
        .leptos_routes_with_context(&options, routes, context, shell)
        .route_service(STYLE, style(site))
        .with_state(options)
        .layer(middleware::from_fn(guard::in_time))
        .fallback_service(files)
        .layer(middleware::map_response(revalidated))
        .layer(CompressionLayer::new())
}

/// Where pages ask for it.
pub const STYLE: &str = "/pkg/cuelight.css";

pub fn style(site: &Path) -> ServeFile {
    let built = site.join("pkg/cuelight.css");
    ServeFile::new(if built.exists() { built } else { site.join("main.css") })
}

/// Names of files do not change with their content: browsers ask each time, and mostly hear 304.
pub async fn revalidated(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// Only our own script runs, and the inline one that starts it by its nonce; nobody frames us.
fn set_content_security_policy() {
    // Server functions have no nonce: their answers are no pages, and get the strict default.
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is base64");
    response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
}
