//! The link behind the button of a confirm mail (docs/mail.md, "The link").

use crate::address::is_domain;
use crate::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// The data that the signer's app gets. The members are written in this order.
#[derive(Clone, Copy, Serialize)]
pub struct Intent<'a> {
    /// `apiVersion` of the task's `extraData`.
    pub version: &'a str,
    /// taskID.
    pub tid: &'a str,
    /// subTaskID.
    pub sid: &'a str,
    /// Number of the signer, from 0.
    pub index: u32,
    /// The secret whose hash is in the PoR: base64 text.
    pub secret: &'a str,
    /// `auxData` of the task's `extraData`.
    pub aux: &'a str,
    /// The signer's locale as the task has it.
    pub locale: &'a str,
    /// Whether the signer will be asked for a PIN sent by SMS.
    pub sms: bool,
}

/// Which URLs the link may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Only `https://`.
    Https,
    /// Also `http://` on `localhost`, `127.0.0.1` or `[::1]`: emulation builds alone.
    HttpsOrLocalhost,
}

/// A link that is safe to stand in a mail: printable ASCII, none of `" ' < > \ ^ ` { |
/// }`, made by [`sign_link`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `app_url` with the query `action=submitIntent&intent=...`, where the intent is base64 of its
/// compact JSON, form-urlencoded.
///
/// The query goes to the very end of the URL, so inside its fragment where there is one: pages
/// route by it, and browsers do not send fragments, so the secret reaches no web server and no log.
/// It starts with `&` if the URL holds a `?` anywhere, else with `?`.
///
/// # Errors
/// [`Error::Url`] unless the URL is absolute and has a domain as host (an internationalised one in
/// punycode) and no user name.
pub fn sign_link(app_url: &str, intent: &Intent<'_>, scheme: Scheme) -> Result<Link> {
    if !is_plain_url(app_url, scheme) {
        return Err(Error::Url);
    }
    let json = zeroize::Zeroizing::new(serde_json::to_vec(intent).map_err(|_| Error::Url)?);
    let encoded = zeroize::Zeroizing::new(STANDARD.encode(&json));
    let mut link = String::with_capacity(app_url.len() + encoded.len() * 9 / 8 + 64);
    link.push_str(app_url);
    link.push(if app_url.contains('?') { '&' } else { '?' });
    link.push_str("action=submitIntent&intent=");
    for character in encoded.chars() {
        match character {
            '+' => link.push_str("%2B"),
            '/' => link.push_str("%2F"),
            '=' => link.push_str("%3D"),
            other => link.push(other),
        }
    }
    Ok(Link(link))
}

/// `page#NAMEcontent`: a link whose content is in the fragment alone. `content` must be base64url,
/// `name` printable ASCII.
///
/// # Errors
/// [`Error::Url`] unless the page is a plain URL without a fragment, or for other characters.
pub fn fragment_link(page: &str, name: &str, content: &str, scheme: Scheme) -> Result<Link> {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let named = name
        .bytes()
        .all(|byte| base64url(byte) || b"=".contains(&byte));
    if page.contains('#')
        || !is_plain_url(page, scheme)
        || !named
        || !content.bytes().all(base64url)
    {
        return Err(Error::Url);
    }
    Ok(Link(format!("{page}#{name}{content}")))
}

/// Whether a text is an absolute URL that may stand in a mail: printable ASCII, none of
/// `" ' < > \ ^ ` { | }`, a domain as host, no user name.
pub fn is_plain_url(url: &str, scheme: Scheme) -> bool {
    let plain = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte));
    if !plain {
        return false;
    }
    let host_of = |prefix: &str| {
        let start = url.get(..prefix.len())?;
        let rest = url.get(prefix.len()..)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = rest.get(..end)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority, "443"),
        };
        let port_fits = port.parse::<u16>().is_ok_and(|port| port != 0)
            && port.bytes().all(|byte| byte.is_ascii_digit());
        (start.eq_ignore_ascii_case(prefix) && port_fits).then_some(host)
    };
    let is_local = |host: &str| {
        host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1" || host == "[::1]"
    };
    if let Some(host) = host_of("https://") {
        return is_domain(host) || (scheme == Scheme::HttpsOrLocalhost && is_local(host));
    }
    scheme == Scheme::HttpsOrLocalhost && host_of("http://").is_some_and(is_local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INTENT: Intent<'static> = Intent {
        version: "1",
        tid: "t",
        sid: "s",
        index: 2,
        secret: "c2VjcmV0",
        aux: "名 \"?>",
        locale: "zh-TW",
        sms: true,
    };

    fn link(url: &str) -> Result<String> {
        sign_link(url, &INTENT, Scheme::Https).map(|link| link.0)
    }

    #[test]
    fn the_link_is_the_golden_one() {
        let query = "action=submitIntent&intent=eyJ2ZXJzaW9uIjoiMSIsInRpZCI6InQiLCJzaWQiOiJzIiwiaW5kZXgiOjIsInNlY3JldCI6ImMyVmpj\
                     bVYwIiwiYXV4Ijoi5ZCNIFwiPz4iLCJsb2NhbGUiOiJ6aC1UVyIsInNtcyI6dHJ1ZX0%3D";
        for (url, before) in [
            (
                "https://app.example.com/sign",
                "https://app.example.com/sign?",
            ),
            ("https://app.example.com", "https://app.example.com?"),
            (
                "https://app.example.com/?a=b",
                "https://app.example.com/?a=b&",
            ),
            ("HTTPS://xn--fiq228c.tw/", "HTTPS://xn--fiq228c.tw/?"),
        ] {
            assert_eq!(link(url).unwrap(), format!("{before}{query}"), "{url}");
        }
        // A page that routes by the fragment finds the query there, and no web server sees it.
        for (url, before) in [
            (
                "https://app.example.com/#/esign",
                "https://app.example.com/#/esign?",
            ),
            (
                "https://app.example.com/#/x?y=z",
                "https://app.example.com/#/x?y=z&",
            ),
            (
                "https://app.example.com:8443/?a#f",
                "https://app.example.com:8443/?a#f&",
            ),
            ("https://app.example.com/#", "https://app.example.com/#?"),
        ] {
            assert_eq!(link(url).unwrap(), format!("{before}{query}"), "{url}");
        }
        let json = STANDARD
            .decode(query.split("intent=").nth(1).unwrap().replace("%3D", "="))
            .unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"version":"1","tid":"t","sid":"s","index":2,"secret":"c2VjcmV0","aux":"名 \"?>","locale":"zh-TW","sms":true}"#
        );
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "app.example.com",
            "http://app.example.com/",
            "http://localhost/",
            "https://localhost/",
            "https://",
            "https:///x",
            "https://user@app.example.com/",
            "https://app.example.com@evil.example/",
            "https://app.example.com:0/",
            "https://app.example.com:x/",
            "https://app.example.com:+1/",
            "https://app.example.com:99999/",
            "https://app.example.com/ x",
            "https://app.example.com/\"onclick=",
            "https://app.example.com/'",
            "https://app.example.com/<b>",
            "https://app.example.com/\n",
            "https://app.example.com/\\x",
            "https://app.example.com\\.evil.example/",
            "https://app.example.com/名",
            "javascript:alert(1)//https://",
            " https://app.example.com/",
        ] {
            assert_eq!(link(url), Err(Error::Url), "{url:?}");
        }
    }

    #[test]
    fn emulation_also_links_to_this_machine() {
        for (url, fits) in [
            ("http://localhost/", true),
            ("http://localhost:3000/sign", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080/", true),
            ("https://localhost:8443/", true),
            ("http://localhost.evil.example/", false),
            ("http://app.example.com/", false),
            ("https://app.example.com/", true),
        ] {
            let link = sign_link(url, &INTENT, Scheme::HttpsOrLocalhost);
            assert_eq!(link.is_ok(), fits, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_url_brings_a_quote_or_another_scheme(url in r#"(?s)(https?://)?[a-z./:@#?&"'<> \n]{0,40}"#) {
            if let Ok(link) = link(&url) {
                prop_assert!(link.starts_with("https://"));
                prop_assert!(link.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!link.contains(['"', '\'', '<', '>']));
            }
        }
    }
}
