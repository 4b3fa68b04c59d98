//! Routes of webhooks.

use super::super::Service;
use super::super::accounts::to_json;
use super::super::records::{Filter, Kind, Record};
use super::super::webhooks::{Delivery, MOST, SHOWN, Webhook, check_url, hooks_of};
use super::super::{now, random_text};
use super::error::{ApiError, ProblemDetails};
use super::extract::{ADMIN, Authorized, Json};
use crate::queue::{Millis, random_hex};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A webhook, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Shown {
    /// Names it.
    id: String,
    /// Where it is.
    url: String,
    /// The events that it wants; `*`: all.
    events: Vec<String>,
    /// When it was made.
    created: Millis,
}

/// The webhooks of a sender.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// The newest first.
    webhooks: Vec<Shown>,
}

/// Lists the webhooks.
#[utoipa::path(
    get, path = "/api/v2/webhooks", tag = "webhooks", security(("apiKey" = ["admin"])),
    responses(
        (status = 200, description = "The webhooks", body = Webhooks),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
) -> Result<axum::Json<Webhooks>, ApiError> {
    let sender = caller.sender.as_str();
    let found = service.engine.records().list(hooks_of(sender)).await?;
    let webhooks = found.into_iter().filter_map(|record| {
        let webhook: Webhook = serde_json::from_slice(&record.body).ok()?;
        Some(Shown {
            id: record.id,
            url: webhook.url,
            events: webhook.events,
            created: record.created,
        })
    });
    Ok(axum::Json(Webhooks {
        webhooks: webhooks.collect(),
    }))
}

/// A webhook that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `https`, with a public address; at most 1024 characters.
    url: String,
    /// Words of the history, or `*`.
    events: Vec<String>,
}

/// A new webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    /// Names it.
    id: String,
    /// The secret of its signatures: the only time that it is shown.
    secret: String,
}

/// Makes a webhook.
#[utoipa::path(
    post, path = "/api/v2/webhooks", tag = "webhooks", request_body = Wanted,
    security(("apiKey" = ["admin"])),
    responses(
        (status = 201, description = "The webhook", body = Made),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn make(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, axum::Json<Made>), ApiError> {
    let sender = caller.sender.as_str();
    check_url(&wanted.url, service.settings.emulation).map_err(ApiError::invalid)?;
    let is_word = |word: &String| {
        word == "*"
            || ((1..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    if !(1..=40).contains(&wanted.events.len()) || !wanted.events.iter().all(is_word) {
        return Err(ApiError::invalid(
            "events: must be 1 to 40 words of the history, or [\"*\"]",
        ));
    }
    let records = service.engine.records();
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    if records.list(hooks_of(sender)).await?.len() >= most {
        return Err(ApiError::conflict(
            "a sender has at most 16 webhooks: delete one",
        ));
    }
    let webhook = Webhook {
        url: wanted.url,
        events: wanted.events,
        secret: random_text(),
    };
    let record = Record {
        kind: Kind::Webhook,
        id: random_hex(),
        owner: sender.to_owned(),
        state: String::new(),
        due: None,
        created: now(),
        version: 1,
        body: to_json(&webhook)?,
    };
    records.insert(&record).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(Made {
            id: record.id.clone(),
            secret: webhook.secret,
        }),
    ))
}

async fn find(service: &Service, sender: &str, id: &str) -> Result<Record, ApiError> {
    let found = service.engine.records().get(Kind::Webhook, id).await?;
    found
        .filter(|record| record.owner == sender)
        .ok_or_else(ApiError::not_found)
}

/// Removes a webhook.
#[utoipa::path(
    delete, path = "/api/v2/webhooks/{id}", tag = "webhooks", security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "Names the webhook")),
    responses(
        (status = 204, description = "Removed"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let record = find(&service, caller.sender.as_str(), &id).await?;
    let records = service.engine.records();
    records.remove(Kind::Webhook, &record.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownDelivery {
    /// Names it; the same in each attempt.
    id: String,
    /// The event.
    event: String,
    /// The task.
    task: String,
    /// When the event happened.
    at: Millis,
    /// Attempts so far.
    attempts: usize,
    /// `waiting`, `delivered` or `failed`.
    state: String,
    /// The status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why the last attempt had no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The last deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deliveries {
    /// The newest first, at most 100.
    deliveries: Vec<ShownDelivery>,
}

/// Lists the last deliveries to a webhook.
#[utoipa::path(
    get, path = "/api/v2/webhooks/{id}/deliveries", tag = "webhooks",
    security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "Names the webhook")),
    responses(
        (status = 200, description = "The deliveries", body = Deliveries),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn deliveries(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
    Path(id): Path<String>,
) -> Result<axum::Json<Deliveries>, ApiError> {
    let record = find(&service, caller.sender.as_str(), &id).await?;
    let filter = Filter {
        kind: Kind::Delivery,
        owner: record.id,
        state: None,
        after: None,
        limit: SHOWN,
    };
    let found = service.engine.records().list(filter).await?;
    let deliveries = found.into_iter().filter_map(|record| {
        let delivery: Delivery = serde_json::from_slice(&record.body).ok()?;
        Some(ShownDelivery {
            id: record.id,
            event: delivery.event,
            task: delivery.task,
            at: delivery.at,
            attempts: delivery.attempts,
            state: record.state,
            status: delivery.status,
            error: delivery.error,
        })
    });
    Ok(axum::Json(Deliveries {
        deliveries: deliveries.collect(),
    }))
}
