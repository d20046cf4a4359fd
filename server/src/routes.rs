//! Every address, and what stands around it.

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};
use tower_http_csrf::csrf::CsrfLayer;

use crate::error::ApiError;
use crate::operators::Visitors;
use crate::{
    Server, archive, conformity, corrections, forms, guard, heard, jobs, list, media, metrics, operators,
    pages, shares, socket, tracks, translations, uploads, videos,
};

/// What operators ask and do too, where `visitors` are operators.
pub fn router(server: &Server, visitors: Visitors) -> Router {
    let api = Router::new()
        .route("/jobs", get(list::read).post(jobs::submit))
        .route("/jobs/archive", get(archive::read))
        .route("/jobs/{id}", get(jobs::read).delete(jobs::delete))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/{id}/retry", post(jobs::retry))
        .route("/jobs/{id}/translate", post(translations::translate))
        .route("/jobs/{id}/video", post(videos::make))
        .route("/jobs/{id}/media", get(media::read))
        .route("/jobs/{id}/track", put(tracks::save))
        .route("/jobs/{id}/peaks", get(heard::peaks))
        .route("/jobs/{id}/words", get(heard::word_starts))
        .route("/jobs/{id}/corrections", get(corrections::read).post(corrections::save))
        .route("/jobs/{id}/conformity", get(conformity::read))
        .route("/jobs/{id}/shares", get(shares::list).post(shares::create))
        .route("/jobs/{id}/shares/{share}", delete(shares::revoke))
        // track.vtt, track.srt and so on: the router takes no ending after a name.
        .route("/jobs/{id}/{file}", get(tracks::read))
        .route("/uploads", post(uploads::upload))
        .merge(operators::api(visitors))
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed());
    let forms = Router::new()
        .route("/submit", post(forms::submit))
        .route("/jobs/archive", get(forms::archive))
        .route("/jobs/delete", post(forms::delete_all))
        .route("/jobs/{id}/cancel", post(forms::cancel))
        .route("/jobs/{id}/retry", post(forms::retry))
        .route("/jobs/{id}/translate", post(forms::translate))
        .route("/jobs/{id}/video", post(forms::video))
        .route("/jobs/{id}/delete", post(forms::delete))
        .route("/jobs/{id}/shares", get(shares::owner_page).post(shares::make_by_form))
        .route("/jobs/{id}/shares/{share}/revoke", post(shares::revoke_by_form))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        // Files have their own limit, counted while they stream.
        .layer(DefaultBodyLimit::disable());
    let mut health =
        Router::new().route("/healthz", get(operators::alive)).route("/readyz", get(operators::ready));
    if visitors == Visitors::Operators {
        health = health.route("/metrics", get(metrics::read));
    }
    Router::new()
        .nest("/api/v1", api)
        .merge(forms)
        .route("/ws", get(socket::upgrade))
        .merge(health)
        .merge(operators::pages(visitors, true))
        .merge(shares::router(&server.config.site))
        .with_state(server.clone())
        .merge(pages::router(server, visitors))
        // Leptos checks no origin of its server functions; this one layer covers every change there is.
        .layer(CsrfLayer::new().with_rejection_response(guard::foreign))
        .layer(middleware::from_fn_with_state(server.clone(), guard::check_host))
        .layer(middleware::from_fn(guard::secure))
        .layer(middleware::from_fn(guard::log))
        .layer(middleware::from_fn(metrics::count_request))
}
