//! Answers, and the calls that belong to no task.

use super::Ui;
use super::shape::{Limits, Session, ToVerify, Verified};
use crate::service::ServiceError;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_protocol2::SIGNERS_MAX;
use serde::de::DeserializeOwned;
use serde_json::json;

/// The most characters of a message.
const MESSAGE: usize = 2048;

/// A call that is refused: a status, and a sentence that says what is wrong and the way out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text }
    }

    /// Nothing is there.
    pub(super) fn missing(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        let status = match error.downcast_ref::<ServiceError>() {
            Some(ServiceError::Unusable { .. }) => StatusCode::BAD_GATEWAY,
            Some(ServiceError::Refused { .. }) => StatusCode::CONFLICT,
            None => StatusCode::BAD_REQUEST,
        };
        Self::new(status, format!("{error:#}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.text }))).into_response()
    }
}

/// Does work that blocks: it asks the service, or reads documents.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| {
        let text = "the program failed at this; please report it";
        Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text))
    })
}

/// Reads a JSON body.
pub(super) fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = format!("the body is not what docs/sender-page.md says: {error}");
        Refusal::new(StatusCode::BAD_REQUEST, text)
    })
}

pub(super) async fn unknown(uri: Uri) -> Refusal {
    Refusal::missing(format!("there is no call {}", uri.path()))
}

/// Who the sender is, and what the page may offer.
pub(super) async fn session(State(ui): State<Ui>) -> Result<Json<Session>, Refusal> {
    blocking(move || {
        let account = ui.sender().home.account()?;
        Ok(Json(Session {
            domain: account.domain.clone(),
            service: ui.sender().service.base().to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            sms: account.sms.is_some(),
            emulation: ui.sender().trust.is_test(),
            locales: ["en-US", "zh-TW"],
            limits: Limits {
                signers: SIGNERS_MAX,
                document_bytes: crate::DOCUMENT_MAX,
                message: MESSAGE,
            },
        }))
    })
    .await
}

/// Verifies a signed document with its proof.
pub(super) async fn verify(State(ui): State<Ui>, bytes: Bytes) -> Result<Json<Verified>, Refusal> {
    let given: ToVerify = body(&bytes)?;
    drop(bytes);
    blocking(move || {
        let decode = |name: &str, text: &str| {
            let decoded = BASE64_STANDARD.decode(text);
            decoded.map_err(|_| anyhow::anyhow!("{name} is not base64"))
        };
        let (pdf, spf) = (decode("pdf", &given.pdf)?, decode("spf", &given.spf)?);
        let verdict = ui.sender().trust.signed(&pdf, &spf, None)?;
        Ok(Json(Verified {
            genuine: verdict.genuine,
            test: verdict.test,
            problems: verdict.problems,
            warnings: verdict.warnings,
        }))
    })
    .await
}
