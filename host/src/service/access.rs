//! Credentials that an enclave uses for KMS: the member `access` of a job.
//!
//! They belong to a role that may call Decrypt under attestation and nothing else (docs/deploy.md).
//! They come from files or variables, or from the instance's role by version 2 of the instance
//! metadata service (AWS EC2 user guide, "Retrieve security credentials from instance metadata").

use crate::config::Aws;
use crate::queue::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Where the metadata service is.
const METADATA: &str = "http://169.254.169.254";
/// Temporary credentials are asked for anew so long before they expire. A job has 10 minutes, and
/// may wait before.
const BEFORE: Duration = Duration::from_mins(30);
/// One call of the metadata service.
const CALL: Duration = Duration::from_secs(5);

/// A source of credentials. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Access(Arc<Source>);

enum Source {
    Fixed(Value),
    Role {
        endpoint: String,
        client: reqwest::Client,
        current: Mutex<Option<(Value, Instant)>>,
    },
}

fn fixed(id: &str, secret: &str, token: Option<&str>) -> Value {
    let mut access = json!({"kmsKeyID": id, "kmsKeySecret": secret});
    if let (Some(token), Some(members)) = (token, access.as_object_mut()) {
        members.insert("kmsSessionToken".into(), token.into());
    }
    access
}

impl Access {
    /// The source that the configuration names: a key of its own, else AWS's variables, else the
    /// instance's role.
    pub(crate) fn new(config: &Aws) -> Result<Self, Error> {
        if let (Some(id), Some(path)) = (&config.access_key_id, &config.secret_access_key_file) {
            let secret = std::fs::read_to_string(path).map_err(|error| {
                Error::Setting(format!(
                    "service.aws.secret-access-key-file: {}: {error}",
                    path.display()
                ))
            })?;
            return Ok(Self(Arc::new(Source::Fixed(fixed(
                id,
                secret.trim(),
                None,
            )))));
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let (Some(id), Some(secret)) = (
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
        ) {
            let token = variable("AWS_SESSION_TOKEN");
            let fixed = fixed(&id, &secret, token.as_deref());
            return Ok(Self(Arc::new(Source::Fixed(fixed))));
        }
        let endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let client = reqwest::Client::builder()
            .timeout(CALL)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Error::Setting(format!("no HTTP client: {error}")))?;
        Ok(Self(Arc::new(Source::Role {
            endpoint: endpoint.unwrap_or_else(|| METADATA.to_owned()),
            client,
            current: Mutex::new(None),
        })))
    }

    /// The current credentials, as a job carries them.
    pub(crate) async fn current(&self) -> Result<Value, String> {
        let (endpoint, client, current) = match &*self.0 {
            Source::Fixed(access) => return Ok(access.clone()),
            Source::Role {
                endpoint,
                client,
                current,
            } => (endpoint, client, current),
        };
        let mut current = current.lock().await;
        if let Some((access, until)) = &*current
            && Instant::now() < *until
        {
            return Ok(access.clone());
        }
        let (access, lifetime) = role(endpoint, client)
            .await
            .map_err(|error| format!("credentials of the instance's role: {error}"))?;
        let until = Instant::now() + lifetime.saturating_sub(BEFORE).max(Duration::from_mins(1));
        *current = Some((access.clone(), until));
        Ok(access)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    /// RFC 3339, in UTC.
    expiration: String,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn role(endpoint: &str, client: &reqwest::Client) -> Result<(Value, Duration), BoxError> {
    const ROLES: &str = "latest/meta-data/iam/security-credentials/";
    let token = client
        .put(format!("{endpoint}/latest/api/token"))
        .header("X-aws-ec2-metadata-token-ttl-seconds", "60")
        .send()
        .await?
        .error_for_status()?
        .text()
        .await?;
    let get = async |path: String| {
        client
            .get(format!("{endpoint}/{path}"))
            .header("X-aws-ec2-metadata-token", &token)
            .send()
            .await?
            .error_for_status()
            .map_err(BoxError::from)
    };
    let names = get(ROLES.to_owned()).await?.text().await?;
    let name = names.lines().next().unwrap_or_default();
    let text = get(format!("{ROLES}{name}")).await?.text().await?;
    let role: Role =
        serde_json::from_str(&text).map_err(|_| "its answer is not the credentials")?;
    let lifetime = lifetime(&role.expiration, super::now());
    let access = fixed(
        &role.access_key_id,
        &role.secret_access_key,
        Some(&role.token),
    );
    Ok((access, lifetime))
}

/// How long credentials that expire at `expiration` are good for.
fn lifetime(expiration: &str, now: i64) -> Duration {
    // One that cannot be read is asked for anew soon.
    let at = chrono::DateTime::parse_from_rfc3339(expiration).map_or(0, |at| at.timestamp_millis());
    Duration::from_millis(u64::try_from(at - now).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_counted_from_now() {
        let now = 1_790_000_000_000;
        let at = chrono::DateTime::from_timestamp_millis(now + 3_600_000).unwrap();
        assert_eq!(lifetime(&at.to_rfc3339(), now), Duration::from_hours(1));
        assert_eq!(lifetime("2001-01-01T00:00:00Z", now), Duration::ZERO);
        assert_eq!(lifetime("soon", now), Duration::ZERO);
    }

    #[tokio::test]
    async fn the_role_of_the_instance_is_asked_for_once() {
        use axum::http::HeaderMap;
        use axum::routing::{get, put};
        use std::sync::atomic::{AtomicU32, Ordering};
        // Another test may have set it.
        let _ = rustls_graviola::default_provider().install_default();
        let asked = Arc::new(AtomicU32::new(0));
        let (count, token) = (Arc::clone(&asked), "secret-token");
        let router = axum::Router::new()
            .route("/latest/api/token", put(move || async move { token }))
            .route(
                "/latest/meta-data/iam/security-credentials/",
                get(|| async { "enclave-role" }),
            )
            .route(
                "/latest/meta-data/iam/security-credentials/enclave-role",
                get(move |headers: HeaderMap| async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(headers["x-aws-ec2-metadata-token"], token);
                    let at = chrono::DateTime::from_timestamp_millis(super::super::now());
                    let at = at.unwrap() + Duration::from_hours(6);
                    json!({"AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "t",
                        "Expiration": at.to_rfc3339()})
                    .to_string()
                }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        let access = Access(Arc::new(Source::Role {
            endpoint,
            client: reqwest::Client::new(),
            current: Mutex::new(None),
        }));
        let expected = json!({"kmsKeyID": "ASIA", "kmsKeySecret": "s", "kmsSessionToken": "t"});
        assert_eq!(access.current().await.unwrap(), expected);
        assert_eq!(access.current().await.unwrap(), expected);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
