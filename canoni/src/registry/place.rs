//! Addresses: where a request goes, and where a redirect may lead.

use crate::reference::RegistryName;
use std::net::IpAddr;
use ureq::http::Uri;

/// Scheme, host in lower case, and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) https: bool,
    pub(super) host: String,
    port: u16,
}

/// Origin of an absolute address.
///
/// # Errors
/// Where it is not an address over HTTP or HTTPS, or holds a user or password.
pub(super) fn origin(address: &str) -> Result<Origin, String> {
    let wrong = || "is not an address of HTTP or HTTPS".to_owned();
    let uri: Uri = address.parse().map_err(|_| wrong())?;
    let https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(wrong()),
    };
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err("holds a user or password".into());
    }
    Ok(Origin {
        https,
        host: authority.host().to_ascii_lowercase(),
        port: authority.port_u16().unwrap_or(if https { 443 } else { 80 }),
    })
}

/// Where a `Location` leads from an address (RFC 3986, section 5.2, without dots in paths).
///
/// # Errors
/// Where it is not an address, and where it leads from HTTPS to HTTP.
pub(super) fn follow(from: &str, location: &str) -> Result<String, String> {
    let start = origin(from)?;
    let scheme = if start.https { "https" } else { "http" };
    let root_end = from
        .find("://")
        .and_then(|at| {
            from.get(at + 3..)?
                .find(['/', '?', '#'])
                .map(|end| at + 3 + end)
        })
        .unwrap_or(from.len());
    let (root, path) = from.split_at_checked(root_end).unwrap_or((from, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let to = if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{root}{location}")
    } else if location.starts_with('?') {
        format!("{root}{path}{location}")
    } else if has_scheme(location) {
        location.to_owned()
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{root}{folder}/{location}")
    };
    let to = to.split('#').next().unwrap_or_default().to_owned();
    if start.https && !origin(&to)?.https {
        return Err("leads from HTTPS to HTTP".into());
    }
    origin(&to).map(|_| to)
}

fn has_scheme(location: &str) -> bool {
    location.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// Scheme, host and port under which a registry is asked.
pub(super) fn base(name: &RegistryName, insecure: &[String]) -> String {
    let host = name.host();
    if host == "docker.io" {
        return "https://registry-1.docker.io".into();
    }
    let plain = is_loopback(host)
        || insecure
            .iter()
            .any(|other| other.eq_ignore_ascii_case(host));
    format!("{}://{host}", if plain { "http" } else { "https" })
}

/// Whether a host, with or without port, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Percent-encodes a value of a query.
pub(super) fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex::encode_upper([byte]));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let from = "https://h.example:8443/v2/a/blobs/x?y=/z";
        for (location, to) in [
            ("/b?c", "https://h.example:8443/b?c"),
            ("c", "https://h.example:8443/v2/a/blobs/c"),
            ("?d", "https://h.example:8443/v2/a/blobs/x?d"),
            ("//other/e", "https://other/e"),
            ("https://o.example/f#g", "https://o.example/f"),
        ] {
            assert_eq!(follow(from, location).unwrap(), to, "{location}");
        }
        assert_eq!(follow("http://h", "/x").unwrap(), "http://h/x");
        assert_eq!(follow("http://h/", "https://o/").unwrap(), "https://o/");
        for location in [
            "http://h.example:8443/b",
            "file:///etc/passwd",
            "https://u:p@o/",
            "//",
        ] {
            assert!(follow(from, location).is_err(), "{location}");
        }
    }

    #[test]
    fn redirects_from_https_to_http_are_refused() {
        let error = follow("https://h/a", "http://h/a").unwrap_err();
        assert_eq!(error, "leads from HTTPS to HTTP");
    }

    #[test]
    fn origins_differ_by_scheme_host_and_port() {
        let same = |a, b| origin(a).unwrap() == origin(b).unwrap();
        assert!(same("https://H/a", "https://h:443/b"));
        assert!(!same("https://h/a", "http://h:443/a"));
        assert!(!same("https://h/a", "https://h:8443/a"));
        assert!(!same("https://h/a", "https://h.evil/a"));
    }

    #[test]
    fn http_only_where_it_was_asked_for() {
        let base =
            |text: &str, insecure: &[String]| base(&RegistryName::parse(text).unwrap(), insecure);
        assert_eq!(base("alpine", &[]), "https://registry-1.docker.io");
        assert_eq!(base("h.example:5000/a", &[]), "https://h.example:5000");
        let insecure = ["h.example:5000".to_owned()];
        assert_eq!(base("h.example:5000/a", &insecure), "http://h.example:5000");
        assert_eq!(base("h.example/a", &insecure), "https://h.example");
        for host in ["localhost:1", "127.0.0.2:1", "[::1]:1"] {
            assert_eq!(base(&format!("{host}/a"), &[]), format!("http://{host}"));
        }
        let evil = "localhost.example:1";
        assert_eq!(base(&format!("{evil}/a"), &[]), format!("https://{evil}"));
        assert_eq!(
            base("127.0.0.1.example/a", &[]),
            "https://127.0.0.1.example"
        );
    }
}
