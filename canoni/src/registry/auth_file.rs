//! Files with credentials: containers-auth.json(5), and Docker's `config.json`, which is the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// Credentials of a user. They are never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User and password.
    Password(String, Zeroizing<String>),
    /// An OAuth 2 refresh token.
    IdentityToken(Zeroizing<String>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}

/// Where the credentials of a registry are.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// In the file.
    Here(Credentials),
    /// With the program `docker-credential-NAME`.
    Helper(String),
}

/// A file of credentials.
#[derive(Deserialize)]
pub struct AuthFile {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: String,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default)]
    auth: Zeroizing<String>,
    #[serde(default, rename = "identitytoken")]
    identity_token: Zeroizing<String>,
}

impl AuthFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it is not JSON of this shape. The error holds nothing of the file's content.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        // serde_json's own words may quote a secret that is in the wrong place.
        serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("is not JSON as containers-auth.json(5) says, at line {line}, column {column}")
        })
    }

    /// The entries for a repository, best first: the registry's own helper, the longest key that
    /// is the host and a prefix of the repository by whole components, the general helper.
    ///
    /// # Errors
    /// Where an entry is not what it should be. The error does not hold it.
    pub fn find(&self, host: &str, repository: &str) -> Result<Vec<Entry>, String> {
        let mut found = Vec::new();
        let helper = self.helpers.iter().find(|(key, _)| host_of(key) == host);
        if let Some((_, name)) = helper {
            found.push(helper_entry(name)?);
        }
        let full = format!("{host}/{repository}");
        let mut best: Option<(&str, &Auth)> = None;
        for (key, auth) in &self.auths {
            // Keys with a scheme are old, and for the whole host.
            let key = if key.contains("://") {
                host_of(key)
            } else {
                hub(key)
            };
            let rest = full.strip_prefix(key);
            let matches = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            if matches && !key.is_empty() && best.is_none_or(|(other, _)| other.len() < key.len()) {
                best = Some((key, auth));
            }
        }
        if let Some((key, auth)) = best
            && let Some(credentials) = auth.read(key)?
        {
            found.push(Entry::Here(credentials));
        }
        if !self.store.is_empty() {
            found.push(helper_entry(&self.store)?);
        }
        Ok(found)
    }
}

impl Auth {
    /// `None` where a helper has it: such entries are empty.
    fn read(&self, key: &str) -> Result<Option<Credentials>, String> {
        if !self.identity_token.is_empty() {
            let token = self.identity_token.clone();
            return Ok(Some(Credentials::IdentityToken(token)));
        }
        if self.auth.is_empty() {
            return Ok(None);
        }
        let wrong = || format!("has an entry for {key} that is not base64 of USER:PASSWORD");
        let bytes = Zeroizing::new(STANDARD.decode(self.auth.trim()).map_err(|_| wrong())?);
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong())?;
        let (user, password) = text.split_once(':').ok_or_else(wrong)?;
        if user.is_empty() {
            return Err(wrong());
        }
        // Old versions of Docker pad with zeros.
        let password = password.trim_end_matches('\0').to_owned();
        Ok(Some(Credentials::Password(
            user.to_owned(),
            password.into(),
        )))
    }
}

fn helper_entry(name: &str) -> Result<Entry, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(good) {
        return Err("names a credential helper that cannot be the end of a program's name".into());
    }
    Ok(Entry::Helper(name.to_owned()))
}

/// `host` of `https://host/v1/`.
fn host_of(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    hub(rest.split('/').next().unwrap_or(rest))
}

fn hub(host: &str) -> &str {
    if host == "index.docker.io" {
        "docker.io"
    } else {
        host
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(keys: &[&str]) -> AuthFile {
        let auths: serde_json::Map<_, _> = keys
            .iter()
            .map(|key| {
                (
                    (*key).to_owned(),
                    serde_json::json!({"auth": STANDARD.encode(format!("{key}|u:p:w"))}),
                )
            })
            .map(|(key, value)| (key.replace('|', ":"), value))
            .collect();
        AuthFile::parse(serde_json::json!({ "auths": auths }).to_string().as_bytes()).unwrap()
    }

    fn user(keys: &[&str], host: &str, repository: &str) -> Option<String> {
        match file(keys).find(host, repository).unwrap().pop() {
            Some(Entry::Here(Credentials::Password(user, _))) => {
                Some(user.split('|').next().unwrap().to_owned())
            }
            _ => None,
        }
    }

    #[test]
    fn the_longest_prefix_by_whole_components() {
        let keys = [
            "quay.io",
            "quay.io/a",
            "quay.io/a/b",
            "quay.io.evil.example",
        ];
        let find = |repository: &str| user(&keys, "quay.io", repository).unwrap();
        assert_eq!(find("a/b"), "quay.io/a/b");
        assert_eq!(find("a/bc"), "quay.io/a");
        assert_eq!(find("ab"), "quay.io");
        assert_eq!(user(&["quay.io"], "quay.io.evil.example", "a"), None);
        assert_eq!(user(&["quay.io"], "quay.io:5000", "a"), None);
        assert_eq!(user(&["h/v1/x"], "h", "v1/y"), None);
    }

    #[test]
    fn helpers_tokens_and_broken_entries() {
        let text = r#"{"auths": {"a": {"identitytoken": "t"}, "b": {"auth": "!secret"}, "c": {}},
            "credHelpers": {"c": "x-1", "d": "../evil"}, "credsStore": "all"}"#;
        let file = AuthFile::parse(text.as_bytes()).unwrap();
        let helper = |name: &str| Entry::Helper(name.into());
        let token = Entry::Here(Credentials::IdentityToken("t".to_owned().into()));
        assert_eq!(file.find("a", "r").unwrap(), [token, helper("all")]);
        let error = file.find("b", "r").unwrap_err();
        assert!(error.contains('b') && !error.contains("secret"), "{error}");
        assert_eq!(file.find("c", "r").unwrap(), [helper("x-1"), helper("all")]);
        assert!(file.find("d", "r").is_err());
        let error = AuthFile::parse(br#"{"auths": "secret"}"#).err().unwrap();
        assert!(!error.contains("secret"), "{error}");
        let hub = AuthFile::parse(
            br#"{"auths": {"https://index.docker.io/v1/": {"identitytoken": "t"}}}"#,
        );
        assert_eq!(
            hub.unwrap().find("docker.io", "library/a").unwrap().len(),
            1
        );
    }

    #[test]
    fn nothing_is_shown() {
        let secret = Credentials::Password("user".into(), "hunter2".to_owned().into());
        assert_eq!(format!("{secret:?}"), "Credentials");
    }

    proptest! {
        /// Credentials never reach a host that their key does not name.
        #[test]
        fn keys_bind_to_their_host(
            key in "[a-z.]{1,6}(:[0-9])?", host in "[a-z.]{1,6}(:[0-9])?", path in "[a-z/]{1,6}",
        ) {
            prop_assume!(key != host);
            let text = serde_json::json!({"auths": {key: {"identitytoken": "t"}}}).to_string();
            let file = AuthFile::parse(text.as_bytes()).unwrap();
            prop_assert!(file.find(&host, &path).unwrap().is_empty());
        }
    }
}
