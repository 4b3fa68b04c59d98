//! The service API over HTTP. TLS is the work of a proxy in front of it (docs/deploy.md).

mod accounts;
mod error;
mod extract;
mod listener;
pub(crate) mod page;
pub(crate) mod rate;
mod signers;
mod tasks;
mod webhooks;

use super::Service;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use extract::Peer;
use listener::Bounded;
use std::io;
use std::time::Instant;
use tokio::net::TcpListener;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// The document of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Let's eSign service API",
        description = "docs/service-api.md describes it.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        accounts::register, accounts::complete, accounts::get, accounts::put, accounts::keys,
        accounts::make_key, accounts::delete_key,
        tasks::submit, tasks::put_document, tasks::list, tasks::get, tasks::history,
        tasks::proofs, tasks::result, tasks::remind, tasks::state, tasks::decide,
        webhooks::list, webhooks::make, webhooks::delete, webhooks::deliveries,
        signers::get, signers::answer, signers::answer_state,
    ),
    modifiers(&Security),
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key"))
            .build();
        components.add_security_scheme("apiKey", SecurityScheme::Http(scheme));
    }
}

/// The OpenAPI document, as `GET /api/v2/openapi.json` gives it and docs/openapi.json has it.
pub fn openapi() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, service: Service) -> io::Result<()> {
    let router = router(service).into_make_service_with_connect_info::<Peer>();
    axum::serve(Bounded::new(listener), router).await
}

fn router(service: Service) -> Router {
    let senders = Router::new()
        .route("/api/v2/registrations", post(accounts::register))
        .route(
            "/api/v2/registrations/{registration}/complete",
            post(accounts::complete),
        )
        .route("/api/v2/account", get(accounts::get).put(accounts::put))
        .route("/api/v2/keys", get(accounts::keys).post(accounts::make_key))
        .route(
            "/api/v2/keys/{id}",
            axum::routing::delete(accounts::delete_key),
        )
        .route("/api/v2/tasks", get(tasks::list).post(tasks::submit))
        .route("/api/v2/tasks/{task}", get(tasks::get))
        .route(
            "/api/v2/tasks/{task}/document",
            axum::routing::put(tasks::put_document),
        )
        .route("/api/v2/tasks/{task}/history", get(tasks::history))
        .route("/api/v2/tasks/{task}/proofs", get(tasks::proofs))
        .route("/api/v2/tasks/{task}/result", get(tasks::result))
        .route("/api/v2/tasks/{task}/remind", post(tasks::remind))
        .route("/api/v2/tasks/{task}/statements", post(tasks::state))
        .route("/api/v2/tasks/{task}/retry", post(tasks::decide))
        .route("/api/v2/webhooks", get(webhooks::list).post(webhooks::make))
        .route(
            "/api/v2/webhooks/{id}",
            axum::routing::delete(webhooks::delete),
        )
        .route(
            "/api/v2/webhooks/{id}/deliveries",
            get(webhooks::deliveries),
        )
        .route("/api/v2/openapi.json", get(document));
    let signers = Router::new()
        .route("/api/v2/requests/{por}", get(signers::get))
        .route("/api/v2/requests/{por}/answers", post(signers::answer))
        .route(
            "/api/v2/requests/{por}/answers/{answer}",
            get(signers::answer_state),
        )
        .layer(from_fn(cross_origin));
    senders
        .merge(signers)
        .method_not_allowed_fallback(extract::no_method)
        .layer(from_fn(api_headers))
        .merge(page::routes())
        .fallback(extract::nothing)
        .layer(from_fn(observe))
        .with_state(service)
}

async fn document() -> Response {
    ([("content-type", "application/json")], openapi()).into_response()
}

/// Nothing of the API is kept by a cache, or taken for something else by a browser.
async fn api_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        "content-security-policy",
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}

/// Senders may serve the signer's page from their own site. These routes know neither cookies nor
/// authorization, so another site can do nothing that its own server could not do.
async fn cross_origin(request: Request, next: Next) -> Response {
    let is_question = request.method() == Method::OPTIONS;
    let mut response = if is_question {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if is_question {
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST"),
        );
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type"),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// Counts requests by route and status. Paths hold hashes of requests, so they are not logged.
async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or("none", |path| path.as_str())
        .to_owned();
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!(
        "letsesign_host_api_requests_total", "route" => route.clone(), "status" => status
    )
    .increment(1);
    metrics::histogram!("letsesign_host_api_seconds", "route" => route.clone())
        .record(started.elapsed().as_secs_f64());
    tracing::debug!(%method, route, status = response.status().as_u16(), "request");
    response
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document_of_the_pages_is_that_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text == super::openapi(),
            "write it anew: letsesign-host openapi > docs/openapi.json"
        );
    }
}
