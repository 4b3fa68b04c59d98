//! The start page, with mailbox and phone, as HTTP on loopback.

use crate::links::to_local;
use crate::sender::Sender;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use letsesign_testbed::Testbed;
use letsesign_testbed::mail::Parsed;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// No script but the page's own; mails are shown in frames that run none at all.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; frame-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Mails have inline styles and embedded pictures.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
                           sandbox allow-popups allow-popups-to-escape-sandbox";

/// The pages of a running service.
#[derive(Clone)]
pub struct Pages(Arc<Shown>);

struct Shown {
    testbed: Arc<Testbed>,
    addresses: Addresses,
    verifier: String,
    sender: Sender,
}

/// Where a person finds the parts.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// The start page, with mailbox and phone.
    pub start: String,
    /// The sender's folder: `letsesign --home DIR` is this sender.
    pub sender: String,
    /// The sender's page, with its token.
    pub sender_page: String,
    /// The signer's page, which the links of mails lead to. It ends with a slash.
    pub signer: String,
    /// The page that verifies signed documents.
    pub verify: String,
    /// The host's service API.
    pub service: String,
}

impl Pages {
    /// The pages of a testbed. `verifier` is the HTML that `letsesign-verify page` writes.
    pub fn new(
        testbed: Arc<Testbed>,
        addresses: Addresses,
        verifier: String,
        sender: Sender,
    ) -> Self {
        Self(Arc::new(Shown {
            testbed,
            addresses,
            verifier,
            sender,
        }))
    }

    /// Their routes.
    pub fn router(self) -> Router {
        const HTML: &str = "text/html; charset=utf-8";
        Router::new()
            .route(
                "/",
                get(async || file(HTML, include_str!("../web/index.html"))),
            )
            .route(
                "/serve.css",
                get(async || file("text/css", include_str!("../web/serve.css"))),
            )
            .route(
                "/serve.js",
                get(async || file("text/javascript", include_str!("../web/serve.js"))),
            )
            .route("/addresses", get(addresses))
            .route("/mails", get(mails))
            .route("/mails/{mail}", get(body))
            .route("/mails/{mail}/{attachment}", get(attachment))
            .route("/texts", get(texts))
            .route("/verify/", get(verifier))
            .route("/tasks", get(tasks).post(send_sample))
            .route("/tasks/{task}/{number}", get(signed))
            .route_layer(from_fn(own_pages_alone))
            .with_state(self)
    }

    fn mail(&self, number: usize) -> Option<Parsed> {
        // Read when asked: most polls show a list that has not changed.
        let mails = self.0.testbed.mailbox.mails();
        mails.get(number).map(|mail| mail.parsed())
    }

    fn local(&self, text: &str) -> String {
        to_local(text, &self.0.addresses.signer)
    }
}

fn answer(kind: &str, policy: &str, body: impl IntoResponse) -> Response {
    let headers: [(HeaderName, String); 4] = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_SECURITY_POLICY, policy.to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, body).into_response()
}

fn file(kind: &str, text: &'static str) -> Response {
    answer(kind, POLICY, text)
}

async fn addresses(State(pages): State<Pages>) -> Json<Addresses> {
    Json(pages.0.addresses.clone())
}

/// The list of mails, the oldest first: `id` is the place in it.
async fn mails(State(pages): State<Pages>) -> Json<Value> {
    let mails = pages.0.testbed.mailbox.mails();
    let list = mails.iter().enumerate().map(|(id, mail)| {
        let parsed = mail.parsed();
        let attachments = parsed.attachments.iter().enumerate().map(|(number, one)| {
            json!({
                "name": one.name,
                "type": one.kind,
                "bytes": one.bytes.len(),
                "url": format!("/mails/{id}/{number}"),
            })
        });
        json!({
            "id": id,
            "from": {"name": parsed.from.name, "address": parsed.from.address},
            "to": mail.recipients,
            "subject": parsed.subject,
            "attachments": attachments.collect::<Vec<_>>(),
        })
    });
    Json(json!({ "mails": list.collect::<Vec<_>>() }))
}

/// The HTML of a mail, for a frame.
async fn body(State(pages): State<Pages>, Path(mail): Path<usize>) -> Response {
    let Some(parsed) = pages.mail(mail) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match (parsed.html, parsed.text) {
        (Some(html), _) => answer(
            "text/html; charset=utf-8",
            MAIL_POLICY,
            // Links open beside the mailbox, not in the frame.
            format!("<base target=\"_blank\">{}", pages.local(&html)),
        ),
        (None, text) => answer(
            "text/plain; charset=utf-8",
            MAIL_POLICY,
            pages.local(&text.unwrap_or_default()),
        ),
    }
}

async fn attachment(
    State(pages): State<Pages>,
    Path((mail, attachment)): Path<(usize, usize)>,
) -> Response {
    let parsed = pages.mail(mail);
    let found = parsed.and_then(|mail| mail.attachments.into_iter().nth(attachment));
    match found {
        Some(found) => {
            // A browser saves it under the name that the page's link gives.
            let mut response = answer("application/octet-stream", MAIL_POLICY, found.bytes);
            let disposition = axum::http::HeaderValue::from_static("attachment");
            response
                .headers_mut()
                .insert(CONTENT_DISPOSITION, disposition);
            response
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Text messages, the oldest first.
async fn texts(State(pages): State<Pages>) -> Json<Value> {
    let texts = pages.0.testbed.twilio.sms();
    let list = texts
        .iter()
        .map(|text| json!({"to": text.to, "pin": text.pin}));
    Json(json!({ "texts": list.collect::<Vec<_>>() }))
}

/// Refuses requests that another site lets a browser make: by their `Host`, which a name of that
/// site would have, and by their `Origin`.
async fn own_pages_alone(request: Request, next: Next) -> Response {
    if !is_own(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

fn is_own(headers: &HeaderMap) -> bool {
    let header = |name: HeaderName| {
        let value = headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let (host, origin) = (header(HOST), header(ORIGIN));
    let is_local = host.starts_with("127.0.0.1:") || host.starts_with("localhost:");
    is_local && (origin.is_empty() || origin == format!("http://{host}"))
}

fn problem(error: &anyhow::Error) -> Response {
    let body = Json(json!({"error": format!("{error:#}")}));
    (StatusCode::CONFLICT, body).into_response()
}

async fn tasks(State(pages): State<Pages>) -> Response {
    match pages.0.sender.tasks().await {
        Ok(tasks) => Json(json!({ "tasks": tasks })).into_response(),
        Err(error) => problem(&error),
    }
}

async fn send_sample(State(pages): State<Pages>) -> Response {
    match pages.0.sender.send_sample().await {
        Ok(task) => Json(json!({ "task": task })).into_response(),
        Err(error) => problem(&error),
    }
}

/// A signed document (0) or its proof (1), fetched and verified by the sender's program.
async fn signed(
    State(pages): State<Pages>,
    Path((task, number)): Path<(String, usize)>,
) -> Response {
    let files = match pages.0.sender.get(&task).await {
        Ok(files) => files,
        Err(error) => return problem(&error),
    };
    let bytes = match files.get(number) {
        Some(path) => tokio::fs::read(path).await,
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    match bytes {
        Ok(bytes) => {
            let mut response = answer("application/octet-stream", MAIL_POLICY, bytes);
            let disposition = axum::http::HeaderValue::from_static("attachment");
            response
                .headers_mut()
                .insert(CONTENT_DISPOSITION, disposition);
            response
        }
        Err(error) => problem(&error.into()),
    }
}

async fn verifier(State(pages): State<Pages>) -> Response {
    // The page has a policy of its own, with the hashes of its scripts.
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    (headers, pages.0.verifier.clone()).into_response()
}
