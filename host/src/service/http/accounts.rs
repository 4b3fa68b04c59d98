//! Routes of accounts, API keys and registrations.

use super::super::Service;
use super::super::accounts::{self, Account, Key, Registration, Scope};
use super::super::engine::task::base64_bytes;
use super::super::now;
use super::super::records::{Change, Kind};
use super::error::{ApiError, ProblemDetails};
use super::extract::{ADMIN, Anybody, Authorized, Json, READ};
use crate::queue::Millis;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use letsesign_mail::is_domain;
use letsesign_protocol2::{ACCOUNT_BYTES_MAX, BOX_OVERHEAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An account box and its data key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sealed {
    /// The account's data key, wrapped by KMS; at most 1024 bytes.
    #[serde(with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    wrapped_key: Vec<u8>,
    /// The account box.
    #[serde(rename = "box", with = "base64_bytes")]
    #[schema(value_type = String, format = Byte)]
    sealed: Vec<u8>,
}

impl Sealed {
    fn account(self, domain: String, kms_key_arn: String) -> Result<Account, ApiError> {
        let is_arn = (1..=256).contains(&kms_key_arn.len())
            && kms_key_arn.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_arn {
            return Err(ApiError::invalid(
                "kmsKeyARN: must have 1 to 256 printable ASCII characters",
            ));
        }
        if self.wrapped_key.is_empty() || self.wrapped_key.len() > 1024 {
            return Err(ApiError::invalid("wrappedKey: must have 1 to 1024 bytes"));
        }
        if self.sealed.len() <= BOX_OVERHEAD || self.sealed.len() > ACCOUNT_BYTES_MAX + BOX_OVERHEAD
        {
            return Err(ApiError::invalid(
                "box: must hold an account of at most 65,536 bytes",
            ));
        }
        Ok(Account {
            domain,
            kms_key_arn,
            wrapped_key: self.wrapped_key,
            sealed: self.sealed,
            created: now(),
        })
    }
}

/// A registration.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registered {
    /// The domain of the sender's mails.
    domain: String,
    /// The KMS key.
    #[serde(rename = "kmsKeyARN")]
    kms_key_arn: String,
    /// The account.
    account: Sealed,
}

/// A registration that waits for its DNS record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Challenge {
    /// Names it.
    registration: String,
    /// The name of the TXT record.
    txt_name: String,
    /// Its value.
    txt_value: String,
    /// Until when it is waited for.
    expires: Millis,
}

/// Begins a registration.
#[utoipa::path(
    post, path = "/api/v2/registrations", tag = "accounts", request_body = Registered,
    responses(
        (status = 201, description = "Publish the TXT record", body = Challenge),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn register(
    State(service): State<Service>,
    Anybody(address): Anybody,
    Json(registered): Json<Registered, { 128 << 10 }>,
) -> Result<(StatusCode, axum::Json<Challenge>), ApiError> {
    let domain = registered.domain.to_ascii_lowercase();
    if !is_domain(&domain) {
        return Err(ApiError::invalid("domain: must be one such as example.com"));
    }
    let account = registered.account.account(domain, registered.kms_key_arn)?;
    service.rates.registration(address)?;
    let (registration, made) = accounts::register(service.engine.records(), account).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(Challenge {
            registration,
            txt_name: made.txt_name,
            txt_value: made.txt_value,
            expires: made.expires,
        }),
    ))
}

/// A new API key: the only time that it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewKey {
    /// Names the key.
    id: String,
    /// The key.
    api_key: String,
    /// Its rights.
    scopes: Vec<Scope>,
}

fn shown_once(api_key: String, key: Key) -> (StatusCode, axum::Json<NewKey>) {
    let new = NewKey {
        id: key.id,
        api_key,
        scopes: key.scopes,
    };
    (StatusCode::CREATED, axum::Json(new))
}

/// Completes a registration, once the TXT record is there.
#[utoipa::path(
    post, path = "/api/v2/registrations/{registration}/complete", tag = "accounts",
    params(("registration" = String, Path, description = "Names the registration")),
    responses(
        (status = 201, description = "The account is there", body = NewKey),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn complete(
    State(service): State<Service>,
    Anybody(_): Anybody,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<NewKey>), ApiError> {
    let records = service.engine.records();
    let record = records.get(Kind::Registration, &id).await?;
    let registration = record
        .and_then(|record| serde_json::from_slice::<Registration>(&record.body).ok())
        .filter(|registration| registration.expires > now())
        .ok_or_else(ApiError::not_found)?;
    let (name, value) = (&registration.txt_name, &registration.txt_value);
    match accounts::has_txt(service.settings.config.dns, name, value).await {
        Some(true) => {}
        Some(false) => {
            return Err(ApiError::conflict(format!(
                "{name} has no TXT record with the value; it can take an hour to be seen"
            )));
        }
        None => return Err(ApiError::conflict("no DNS server answers; try again")),
    }
    // Whoever removes it completes it, so one registration makes one key.
    if !records.remove(Kind::Registration, &id).await? {
        return Err(ApiError::not_found());
    }
    accounts::put_account(records, &registration.account).await?;
    let domain = &registration.account.domain;
    let scopes = Scope::ALL.to_vec();
    let (api_key, key) = accounts::make_key(records, domain, "registration", scopes).await?;
    Ok(shown_once(api_key, key))
}

/// A release that runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Release {
    /// Its PCR0.
    pcr0: String,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownAccount {
    /// The sender's domain.
    domain: String,
    /// The KMS key.
    #[serde(rename = "kmsKeyARN")]
    kms_key_arn: String,
    /// When it was made.
    created: Millis,
    /// The releases that run here.
    releases: Vec<Release>,
}

/// The account of the key.
#[utoipa::path(
    get, path = "/api/v2/account", tag = "accounts", security(("apiKey" = ["read"])),
    responses(
        (status = 200, description = "The account", body = ShownAccount),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn get(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ READ }>,
) -> Result<axum::Json<ShownAccount>, ApiError> {
    let sender = caller.sender.as_str();
    let record = service.engine.records().get(Kind::Account, sender).await?;
    let account = record.and_then(|record| Account::read(&record));
    let account = account.ok_or_else(ApiError::not_found)?;
    let releases = (service.settings.releases)();
    Ok(axum::Json(ShownAccount {
        domain: account.domain,
        kms_key_arn: account.kms_key_arn,
        created: account.created,
        releases: releases.into_iter().map(|pcr0| Release { pcr0 }).collect(),
    }))
}

/// An account's new content.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// The KMS key.
    #[serde(rename = "kmsKeyARN")]
    kms_key_arn: String,
    /// The account.
    account: Sealed,
}

/// Replaces the account box. The next jobs of all tasks use it.
#[utoipa::path(
    put, path = "/api/v2/account", tag = "accounts", request_body = NewAccount,
    security(("apiKey" = ["admin"])),
    responses(
        (status = 204, description = "Stored"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
    Json(new): Json<NewAccount, { 128 << 10 }>,
) -> Result<StatusCode, ApiError> {
    let sender = caller.sender.as_str();
    let account = new.account.account(sender.to_owned(), new.kms_key_arn)?;
    accounts::put_account(service.engine.records(), &account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The keys of a sender.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    /// The newest first.
    keys: Vec<Key>,
}

/// Lists the API keys.
#[utoipa::path(
    get, path = "/api/v2/keys", tag = "accounts", security(("apiKey" = ["admin"])),
    responses(
        (status = 200, description = "The keys, without their texts", body = Keys),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn keys(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
) -> Result<axum::Json<Keys>, ApiError> {
    let sender = caller.sender.as_str();
    let found = accounts::keys(service.engine.records(), sender).await?;
    Ok(axum::Json(Keys {
        keys: found.into_iter().map(|(_, key)| key).collect(),
    }))
}

/// A key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedKey {
    /// For people; 1 to 100 characters.
    name: String,
    /// Its rights.
    scopes: Vec<Scope>,
}

/// Makes an API key.
#[utoipa::path(
    post, path = "/api/v2/keys", tag = "accounts", request_body = WantedKey,
    security(("apiKey" = ["admin"])),
    responses(
        (status = 201, description = "The key", body = NewKey),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn make_key(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
    Json(wanted): Json<WantedKey>,
) -> Result<(StatusCode, axum::Json<NewKey>), ApiError> {
    let sender = caller.sender.as_str();
    let is_name = (1..=100).contains(&wanted.name.chars().count())
        && !wanted.name.chars().any(char::is_control);
    if !is_name {
        return Err(ApiError::invalid(
            "name: must be one line of 1 to 100 characters",
        ));
    }
    let mut scopes = wanted.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(ApiError::invalid(
            "scopes: must name `send`, `read` or `admin`",
        ));
    }
    let records = service.engine.records();
    let most = usize::try_from(accounts::KEYS).unwrap_or(usize::MAX);
    if accounts::keys(records, sender).await?.len() >= most {
        return Err(ApiError::conflict(
            "a sender has at most 100 keys: delete one",
        ));
    }
    let (api_key, key) = accounts::make_key(records, sender, &wanted.name, scopes).await?;
    Ok(shown_once(api_key, key))
}

/// Revokes an API key.
#[utoipa::path(
    delete, path = "/api/v2/keys/{id}", tag = "accounts", security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "Names the key")),
    responses(
        (status = 204, description = "Revoked"),
        (status = "4XX", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete_key(
    State(service): State<Service>,
    Authorized(caller): Authorized<{ ADMIN }>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let sender = caller.sender.as_str();
    let records = service.engine.records();
    let account = records.get(Kind::Account, sender).await?;
    let account = account.ok_or_else(ApiError::not_found)?;
    let found = accounts::keys(records, sender).await?;
    let (record, key) = found
        .iter()
        .find(|(_, key)| key.id == id)
        .ok_or_else(ApiError::not_found)?;
    let is_admin = |key: &Key| key.scopes.contains(&Scope::Admin);
    if is_admin(key) && found.iter().filter(|(_, key)| is_admin(key)).count() == 1 {
        return Err(ApiError::conflict(
            "it is the last key with the scope `admin`: make another one first",
        ));
    }
    // With the account as it was read: of two that remove the last two keys at once, one loses.
    let change = Change {
        update: Some(&account),
        remove: vec![(Kind::Key, record)],
        ..Change::default()
    };
    if !records.write(change).await? {
        return Err(ApiError::conflict(
            "the account is being changed; try again",
        ));
    }
    Ok(StatusCode::NO_CONTENT)
}
