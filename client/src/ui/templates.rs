//! Templates.

use super::answer::{Refusal, blocking, body};
use super::shape::{NewTemplate, ShownTemplate};
use super::{Ui, documents, lock};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

pub(super) async fn list(State(ui): State<Ui>) -> Result<Json<Value>, Refusal> {
    blocking(move || {
        let templates = ui.sender().home.templates()?.into_iter();
        let shown: Vec<ShownTemplate> = templates.map(ShownTemplate::from).collect();
        Ok(Json(json!({ "templates": shown })))
    })
    .await
}

pub(super) async fn keep(
    State(ui): State<Ui>,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, Refusal> {
    blocking(move || {
        let given: NewTemplate = body(&bytes)?;
        let document = documents::find(&ui, &given.document)?;
        let template = given.template(name)?;
        let _change = lock(&ui.0.change);
        ui.sender().home.keep_template(&template, &document)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(super) async fn remove(
    State(ui): State<Ui>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    blocking(move || {
        let _change = lock(&ui.0.change);
        ui.sender().home.remove_template(&name)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(super) async fn document(
    State(ui): State<Ui>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    blocking(move || {
        let (_, pdf) = ui.sender().home.template(&name)?;
        Ok(documents::pdf(pdf))
    })
    .await
}
