//! Who may call.

use super::Ui;
use super::answer::Refusal;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

/// The header with the token.
const TOKEN: &str = "x-letsesign-token";
/// Scripts of the page alone; pictures and fonts that a PDF embeds come from memory.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; \
                      img-src 'self' blob: data:; font-src blob: data:; connect-src 'self'; \
                      style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// Refuses requests by another name than the page's address, and those that another site lets a
/// browser make.
pub(super) async fn own_pages_alone(
    State(ui): State<Ui>,
    request: Request,
    next: Next,
) -> Response {
    let port = ui.0.address.port();
    let own = [ui.0.address.to_string(), format!("localhost:{port}")];
    let headers = request.headers();
    let (host, origin) = (
        header(headers, HOST.as_str()),
        header(headers, ORIGIN.as_str()),
    );
    let is_own = own.iter().any(|one| one == host)
        && (origin.is_empty() || origin == format!("http://{host}"));
    let mut response = if is_own {
        next.run(request).await
    } else {
        let text = format!("this page is at http://{} alone", ui.0.address);
        Refusal::new(StatusCode::FORBIDDEN, text).into_response()
    };
    let fixed: [(HeaderName, &'static str); 7] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses calls without the token.
pub(super) async fn with_token(State(ui): State<Ui>, request: Request, next: Next) -> Response {
    let given = header(request.headers(), TOKEN);
    let is_right: bool = given.as_bytes().ct_eq(ui.0.token.as_bytes()).into();
    if !is_right {
        let text = "the token is missing or wrong: open the address that `letsesign ui` printed";
        return Refusal::new(StatusCode::UNAUTHORIZED, text).into_response();
    }
    let response = next.run(request).await;
    let status = response.status();
    let is_json = header(response.headers(), CONTENT_TYPE.as_str()) == "application/json";
    if !status.is_client_error() || is_json {
        return response;
    }
    // Refused before a call saw it: by its length, its method or its query.
    let text = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too long",
        StatusCode::METHOD_NOT_ALLOWED => "the call has another method",
        _ => "the call is not one of docs/sender-page.md",
    };
    Refusal::new(status, text).into_response()
}
