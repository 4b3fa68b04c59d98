//! Who calls, from where, and what they say.

use super::super::Service;
use super::super::accounts::{Caller, Scope, authenticate};
use super::error::ApiError;
use super::rate;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use ipnet::IpNet;
use serde::de::DeserializeOwned;
use std::net::{IpAddr, SocketAddr};

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The address of whoever calls: the connection's, or the one that a trusted proxy names.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(&client) {
        return client;
    }
    // From the right: what is left of the first address that is not a proxy's is whatever that
    // client has written.
    let values = headers.get_all("x-forwarded-for").iter().rev();
    for value in values.filter_map(|value| value.to_str().ok()) {
        for one in value.split(',').rev() {
            let Ok(address) = one.trim().parse::<IpAddr>() else {
                return client;
            };
            client = address.to_canonical();
            if !is_trusted(&client) {
                return client;
            }
        }
    }
    client
}

/// The client's address, within its rate.
pub(crate) struct Address(pub(crate) IpAddr);

impl FromRequestParts<Service> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<Peer>>();
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(peer)| peer.0.ip());
        let trusted = &service.settings.config.trusted_proxies;
        Ok(Self(client_address(peer, &parts.headers, trusted)))
    }
}

/// A client without a key, within the rate of its address.
pub(crate) struct Anybody(pub(crate) IpAddr);

impl FromRequestParts<Service> for Anybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let Address(address) = Address::from_request_parts(parts, service).await?;
        service.rates.address(address)?;
        Ok(Self(address))
    }
}

impl FromRequestParts<Service> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let key = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim());
        let known = match key {
            Some(key) => authenticate(service.engine.records(), key).await?,
            None => None,
        };
        if let Some(caller) = known {
            service.rates.key(&caller.key.id)?;
            return Ok(caller);
        }
        // Guesses are slow.
        let Address(address) = Address::from_request_parts(parts, service).await?;
        service.rates.address(address)?;
        Err(ApiError::unauthorized())
    }
}

/// The scope `send`, for [`Authorized`].
pub(crate) const SEND: u8 = 0;
/// The scope `read`.
pub(crate) const READ: u8 = 1;
/// The scope `admin`.
pub(crate) const ADMIN: u8 = 2;

/// A caller whose key has a scope. It is checked before the body is read.
pub(crate) struct Authorized<const SCOPE: u8>(pub(crate) Caller);

impl<const SCOPE: u8> FromRequestParts<Service> for Authorized<SCOPE> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, service).await?;
        caller.with(match SCOPE {
            SEND => Scope::Send,
            READ => Scope::Read,
            _ => Scope::Admin,
        })?;
        Ok(Self(caller))
    }
}

impl Caller {
    fn with(&self, scope: Scope) -> Result<(), ApiError> {
        if self.key.scopes.contains(&scope) {
            return Ok(());
        }
        Err(ApiError::forbidden(match scope {
            Scope::Send => "send",
            Scope::Read => "read",
            Scope::Admin => "admin",
        }))
    }
}

/// A body of strict JSON with at most `MOST` bytes.
pub(crate) struct Json<T, const MOST: usize = { 64 << 10 }>(pub(crate) T);

impl<T: DeserializeOwned, const MOST: usize> FromRequest<Service> for Json<T, MOST> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Service) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::invalid("Content-Type: must be application/json"));
        }
        let bytes = read(request, MOST).await?;
        strict_json::check(&bytes, strict_json::Limits::default())
            .map_err(|error| ApiError::invalid(format!("the body is not strict JSON: {error}")))?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::invalid(format!("the body: {error}")))
    }
}

async fn read(request: Request, most: usize) -> Result<Bytes, ApiError> {
    let body = Limited::new(request.into_body(), most);
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(ApiError::too_large(u64::try_from(most).unwrap_or(u64::MAX)))
        }
        Err(_) => Err(ApiError::invalid("the body ended early")),
    }
}

/// Answers requests that no route takes.
pub(crate) async fn nothing() -> ApiError {
    ApiError::not_found()
}

/// Answers a route with a method that it does not have.
pub(crate) async fn no_method() -> impl IntoResponse {
    (
        StatusCode::METHOD_NOT_ALLOWED,
        [(CONTENT_TYPE, "application/problem+json")],
        r#"{"title":"Method Not Allowed","status":405,"code":"invalid","detail":"the route has other methods"}"#,
    )
}

impl From<rate::Exceeded> for ApiError {
    fn from(exceeded: rate::Exceeded) -> Self {
        Self::busy("too many requests; slow down", exceeded.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_trusted_proxies_name_another_client() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let address = |peer: &str, values: &[&str]| {
            client_address(peer.parse().unwrap(), &forwarded(values), &trusted).to_string()
        };
        assert_eq!(address("198.51.100.7", &["192.0.2.1"]), "198.51.100.7");
        assert_eq!(address("10.1.2.3", &["192.0.2.1"]), "192.0.2.1");
        // The left part is what the client has sent by itself.
        assert_eq!(
            address("10.1.2.3", &["203.0.113.9, 192.0.2.1, 10.9.9.9"]),
            "192.0.2.1"
        );
        assert_eq!(
            address("10.1.2.3", &["203.0.113.9", "192.0.2.1"]),
            "192.0.2.1"
        );
        assert_eq!(address("10.1.2.3", &["192.0.2.1, nonsense"]), "10.1.2.3");
        assert_eq!(address("10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(address("::ffff:10.1.2.3", &["2001:db8::1"]), "2001:db8::1");
    }
}
