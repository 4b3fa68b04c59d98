//! The link in the mail to a signer.

use crate::mail::Parsed;
use crate::twilio::form;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// A text that stands in every link of protocol 1.
const MARK: &str = "action=submitIntent";

/// A link, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// All of it.
    pub url: String,
    /// The text before the first member of ours, with its `?` or `&`: the signerAppURL.
    pub app: String,
    /// The JSON in `intent`.
    pub intent: Value,
}

impl Link {
    /// Takes a URL apart.
    ///
    /// # Panics
    /// When it is not a link of ours.
    pub fn parse(url: &str) -> Self {
        const START: &str = "action=submitIntent&intent=";
        let at = url.find(START).unwrap_or_else(|| panic!("no link: {url}"));
        let query = url[at..].split('#').next().unwrap_or_default();
        let fields = form(query);
        assert_eq!(fields.len(), 2, "{url}");
        let intent = BASE64_STANDARD.decode(&fields[1].1).expect("base64");
        Self {
            url: url.to_owned(),
            app: url[..at].to_owned(),
            intent: serde_json::from_slice(&intent).expect("JSON"),
        }
    }

    /// The link of a mail: in its text and in its HTML, the same.
    ///
    /// # Panics
    /// When there is none in one of them, or another one.
    pub fn of(mail: &Parsed) -> Self {
        Self::parse(&url(mail, MARK))
    }

    /// The link of an HTML part: the `href` that is one.
    ///
    /// # Panics
    /// When there is none.
    pub fn in_html(html: &str) -> Self {
        Self::parse(&href(html, MARK))
    }

    /// The secret.
    pub fn secret(&self) -> &str {
        self.intent["secret"].as_str().expect("a secret")
    }
}

/// The link of a mail that has this mark in it: in its HTML and, if it has one, its text the same.
///
/// # Panics
/// When there is none in one of them, or another one.
pub(super) fn url(mail: &Parsed, mark: &str) -> String {
    let link = href(mail.html.as_deref().expect("an HTML part"), mark);
    if let Some(text) = &mail.text {
        let url = text
            .split_whitespace()
            .map(|word| word.trim_matches(['<', '>']))
            .find(|word| word.contains(mark))
            .expect("a link in the text");
        assert_eq!(url, link, "text and HTML have different links");
    }
    link
}

/// The `href` of an HTML part that has this mark in it.
fn href(html: &str, mark: &str) -> String {
    html.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(unescape)
        .find(|url| url.contains(mark))
        .expect("a link in the HTML")
}

/// The references that HTML needs in an attribute.
fn unescape(text: &str) -> String {
    let mut out = text.to_owned();
    for (reference, character) in [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x22;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2F;", "/"),
        ("&#x2f;", "/"),
        ("&#x3D;", "="),
        ("&#x3d;", "="),
        ("&#61;", "="),
        ("&lt;", "<"),
        ("&gt;", ">"),
        // Last, so that nothing is unescaped twice.
        ("&#38;", "&"),
        ("&#x26;", "&"),
        ("&amp;", "&"),
    ] {
        out = out.replace(reference, character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_both_parts() {
        let intent = BASE64_STANDARD.encode(r#"{"version":"1","secret":"s+/="}"#);
        let encoded = intent.replace('=', "%3D").replace('+', "%2B");
        let url = format!("https://a.example/?x=1&action=submitIntent&intent={encoded}");
        let mail = Parsed {
            text: Some(format!("Hello\n<{url}>\n")),
            html: Some(format!(
                "<a href=\"{}\">sign</a>",
                url.replace('&', "&amp;")
            )),
            ..Parsed::default()
        };
        let link = Link::of(&mail);
        assert_eq!(
            (link.app.as_str(), link.secret()),
            ("https://a.example/?x=1&", "s+/=")
        );
    }
}
