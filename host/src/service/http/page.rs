//! The signer's page (host/web/signer), as static files.

use super::super::Service;
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

/// Scripts, styles and connections of this origin alone; in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

macro_rules! files {
    ($($name:literal => $kind:literal),+ $(,)?) => {
        &[$(($name, $kind, include_bytes!(concat!("../../../web/signer/", $name)))),+]
    };
}

/// Name, type and content.
type File = (&'static str, &'static str, &'static [u8]);

const FILES: &[File] = files! {
    "index.html" => "text/html; charset=utf-8",
    "signer.css" => "text/css; charset=utf-8",
    "signer.js" => "text/javascript; charset=utf-8",
    "link.js" => "text/javascript; charset=utf-8",
    "answer.js" => "text/javascript; charset=utf-8",
    "service.js" => "text/javascript; charset=utf-8",
    "locales/index.json" => "application/json",
    "locales/en-US.json" => "application/json",
    "locales/zh-TW.json" => "application/json",
};

/// The routes of the page, below `/sign/`.
pub(crate) fn routes() -> Router<Service> {
    let mut router = Router::new().route("/sign", get(|| async { Redirect::permanent("/sign/") }));
    for (name, kind, content) in FILES {
        let path = match *name {
            "index.html" => "/sign/".to_owned(),
            name => format!("/sign/{name}"),
        };
        router = router.route(&path, get(move || async { file(kind, content) }));
    }
    router
}

fn file(kind: &'static str, content: &'static [u8]) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
