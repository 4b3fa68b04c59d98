//! Documents of drafts.

use super::answer::{Refusal, blocking};
use super::shape::{Opened, Size};
use super::{Document, Ui};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

/// Takes a PDF, if it can be signed.
pub(super) async fn open(
    State(ui): State<Ui>,
    Query(named): Query<Named>,
    bytes: Bytes,
) -> Result<Json<Opened>, Refusal> {
    blocking(move || {
        let sizes = crate::document_pages(&bytes)?;
        let document = ui.keep(Arc::new(bytes.to_vec()))?;
        let size = |(width, height)| Size { width, height };
        Ok(Json(Opened {
            document,
            name: named.name,
            pages: sizes.into_iter().map(size).collect(),
        }))
    })
    .await
}

/// The document of a draft, or the reason why it is gone.
pub(super) fn find(ui: &Ui, id: &str) -> Result<Document, Refusal> {
    ui.document(id).ok_or_else(|| {
        Refusal::missing("the document is not open any more: choose the file once more")
    })
}

pub(super) async fn read(
    State(ui): State<Ui>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    let document = find(&ui, &id)?;
    Ok(pdf(document.to_vec()))
}

/// The answer with a PDF.
pub(super) fn pdf(bytes: Vec<u8>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/pdf")], bytes)
}
