//! The side of the command line.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use thiserror::Error;
use tokio::net::UnixStream;

/// A command was not carried out.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No host serves the socket.
    #[error(
        "no letsesign-host answers on {}: {error}. Is it running, and are you its user or root?",
        .path.display()
    )]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The host refused.
    #[error("{0}")]
    Refused(String),
    /// The connection broke off, or the answer is not one of this version.
    #[error("the host's answer cannot be read: {0}")]
    Answer(String),
}

/// Speaks to a running host.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// For the host that serves this socket.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        read(&self.call(Method::GET, path, Bytes::new()).await?)
    }

    /// Asks for bytes as they are.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn bytes(&self, path: &str) -> Result<Bytes, ClientError> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// Commands.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<T, ClientError> {
        read(&self.call(Method::POST, path, body.into()).await?)
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        let stream = UnixStream::connect(&self.socket).await;
        let stream = stream.map_err(|error| ClientError::NotRunning {
            path: self.socket.clone(),
            error,
        })?;
        let broken = |error: &dyn std::fmt::Display| ClientError::Answer(error.to_string());
        let connection = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = connection.map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| broken(&error))?;
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| broken(&error))?;
        let status = answer.status();
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| broken(&error))?
            .to_bytes();
        if status == StatusCode::OK || status == StatusCode::CREATED {
            return Ok(body);
        }
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        let error = value
            .as_ref()
            .and_then(|value| value.get("error")?.as_str());
        Err(ClientError::Refused(match error {
            Some(error) => error.to_owned(),
            // axum's own refusals are texts.
            None => format!("{status}: {}", String::from_utf8_lossy(&body).trim()),
        }))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|error| ClientError::Answer(error.to_string()))
}

/// A path with its query: names and values that are there.
pub fn query(path: &str, values: &[(&str, Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in values {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("{path}?{}", query.finish())
}
