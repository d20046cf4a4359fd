//! The page where an owner makes and revokes links without JavaScript.

use app::share::Owned;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use domain::{JobId, NewShare};

use super::{BODY, base, share_id};
use crate::error::Result;
use crate::query::{self, Query};
use crate::{Server, language};

/// `GET /jobs/{id}/shares`
pub async fn page(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let Ok(id) = query::job_id(&id) else { return Ok(Redirect::to("/").into_response()) };
    let refusal = Query::parse(text.as_deref()).text("error").map(str::to_owned);
    match shown(&server, &headers, id, None, refusal, StatusCode::OK).await {
        // Its page says so.
        Err(error) if error.status == StatusCode::NOT_FOUND => {
            Ok(Redirect::to(&format!("/jobs/{id}")).into_response())
        }
        shown => shown,
    }
}

/// `POST /jobs/{id}/shares`: answered by the page itself, since an address would carry the secret of the link into the
/// browser's history.
pub async fn make(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let id = query::job_id(&id)?;
    let made = async {
        let body = query::body(body, BODY).await?;
        let fields = Query::parse(std::str::from_utf8(&body).ok());
        server.make_share(id, fields.number("expires_in")?, &base(&headers)).await
    };
    match made.await {
        Ok(made) => shown(&server, &headers, id, Some(made), None, StatusCode::CREATED).await,
        Err(error) => shown(&server, &headers, id, None, Some(error.code.to_owned()), error.status).await,
    }
}

/// `POST /jobs/{id}/shares/{share}/revoke`
pub async fn revoke(
    State(server): State<Server>,
    Path((id, share)): Path<(String, String)>,
) -> Result<Redirect> {
    let id = query::job_id(&id)?;
    let revoked = match share_id(&share) {
        Ok(share) => server.revoke_share(id, share).await,
        Err(error) => Err(error),
    };
    let page = format!("/jobs/{id}/shares");
    Ok(match revoked {
        Ok(()) => Redirect::to(&page),
        Err(error) => Redirect::to(&format!("{page}?error={}", error.code)),
    })
}

async fn shown(
    server: &Server,
    asked: &HeaderMap,
    id: JobId,
    made: Option<NewShare>,
    refusal: Option<String>,
    status: StatusCode,
) -> Result<Response> {
    let (job, shares) = server.shares_of(id).await?;
    let owned = Owned { job: id, title: job.spec.title, shares, made, refusal };
    let html = app::share::owner_page(language::of(asked), &owned);
    let policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                  frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (status, headers, Html(html)).into_response();
    language::vary(response.headers_mut());
    Ok(response)
}
