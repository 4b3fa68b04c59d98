//! The request `Decrypt` (AWS KMS API Reference) with a recipient, and what is answered.

use crate::error::{Error, Result};
use crate::sigv4::{Credentials, Request, amz_date, authorization};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

/// Bytes of an answer: a data key in CMS has less than 1 KiB.
pub const ANSWER_MAX: usize = 64 << 10;

const TARGET: &str = "TrentService.Decrypt";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The ciphertext to decrypt, and its recipient.
pub struct Decrypt<'a> {
    /// ARN of the sender's key, `arn:aws:kms:REGION:...`.
    pub key_arn: &'a str,
    /// Access key and secret of the sender.
    pub access: (&'a str, &'a str),
    /// Session token of temporary credentials, as a role has them. Printable ASCII.
    pub session_token: Option<&'a str>,
    /// The encrypted data key.
    pub ciphertext: &'a [u8],
    /// Attestation document with the recipient's public key.
    pub attestation: &'a [u8],
}

/// A request that is ready to be sent by POST to `https://HOST/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `kms.REGION.amazonaws.com`.
    pub host: String,
    /// All headers but `content-length`: name and value.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The region of a key's ARN.
fn region(arn: &str) -> Result<&str> {
    let region = arn
        .strip_prefix("arn:aws:kms:")
        .and_then(|rest| rest.split(':').next())
        .filter(|region| {
            !region.is_empty()
                && region
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        });
    region.ok_or(Error::Arn)
}

impl Decrypt<'_> {
    /// Signs the request. `now` is the time in seconds since 1970: KMS accepts five minutes of
    /// difference.
    pub fn sign(&self, now: u64) -> Result<Signed> {
        let region = region(self.key_arn)?;
        let host = format!("kms.{region}.amazonaws.com");
        let body = json!({
            "KeyId": self.key_arn,
            "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "CiphertextBlob": STANDARD.encode(self.ciphertext),
            "Recipient": {
                "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
                "AttestationDocument": STANDARD.encode(self.attestation),
            },
        })
        .to_string()
        .into_bytes();
        let time = amz_date(now);
        // Sorted, as Signature Version 4 demands.
        let mut headers: Vec<(&'static str, &str)> = vec![
            ("content-type", CONTENT_TYPE),
            ("host", &host),
            ("x-amz-date", &time),
        ];
        headers.extend(
            self.session_token
                .map(|token| ("x-amz-security-token", token)),
        );
        headers.push(("x-amz-target", TARGET));
        let request = Request {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: &body,
        };
        let credentials = Credentials {
            key_id: self.access.0,
            secret: self.access.1,
            region,
            service: "kms",
        };
        let authorization = authorization(&request, &credentials, &time);
        let mut all: Vec<(&'static str, String)> = headers
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        all.push(("authorization", authorization));
        Ok(Signed {
            host,
            headers: all,
            body,
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "CiphertextForRecipient")]
    for_recipient: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "__type")]
    kind: Option<String>,
}

/// The CMS for the recipient, out of an answer's status and body. Nothing of an answer's text gets
/// into an error.
pub fn answer(status: u16, body: &[u8]) -> Result<Vec<u8>> {
    if body.len() > ANSWER_MAX {
        return Err(Error::Answer);
    }
    if status == 200 {
        strict_json::check(body, strict_json::Limits::default()).map_err(|_| Error::Answer)?;
        let answer: Answer = serde_json::from_slice(body).map_err(|_| Error::Answer)?;
        // KMS answers in clear only if the request lost its recipient on the way.
        let text = answer.for_recipient.ok_or(Error::Answer)?;
        return STANDARD.decode(text).map_err(|_| Error::Answer);
    }
    let kind = serde_json::from_slice::<Failure>(body)
        .ok()
        .and_then(|failure| failure.kind)
        .unwrap_or_default();
    // `com.amazonaws.kms#ThrottlingException`, or without the part before `#`.
    let kind = kind.rsplit('#').next().unwrap_or_default();
    Err(match (status, kind) {
        (429 | 503, _) | (_, "ThrottlingException" | "LimitExceededException") => {
            Error::Busy(status)
        }
        (_, "KMSInternalException" | "DependencyTimeoutException") | (500..=599, _) => {
            Error::Failed(status)
        }
        (
            _,
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "ExpiredTokenException"
            | "RequestExpired",
        ) => Error::Credentials,
        (
            _,
            "InvalidCiphertextException"
            | "IncorrectKeyException"
            | "InvalidKeyUsageException"
            | "KeyUnavailableException",
        ) => Error::Ciphertext,
        (400..=499, _) => Error::Refused,
        _ => Error::Answer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decrypt(arn: &str) -> Result<Signed> {
        Decrypt {
            key_arn: arn,
            access: ("AKIDEXAMPLE", "secret"),
            session_token: None,
            ciphertext: b"c",
            attestation: b"a",
        }
        .sign(1_440_938_160)
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let signed = Decrypt {
            key_arn: "arn:aws:kms:us-east-1:111122223333:key/1",
            access: ("ASIDEXAMPLE", "secret"),
            session_token: Some("token"),
            ciphertext: b"c",
            attestation: b"a",
        }
        .sign(1_440_938_160)
        .unwrap();
        let header = |name: &str| {
            let mut headers = signed.headers.iter();
            headers
                .find(|(other, _)| *other == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(header("x-amz-security-token"), Some("token"));
        let authorization = header("authorization").unwrap();
        assert!(
            authorization.contains(
                "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,"
            ),
            "{authorization}"
        );
    }

    #[test]
    fn the_request_is_what_kms_documents() {
        let signed = decrypt("arn:aws:kms:us-east-1:111122223333:key/1").unwrap();
        assert_eq!(signed.host, "kms.us-east-1.amazonaws.com");
        assert_eq!(
            String::from_utf8(signed.body.clone()).unwrap(),
            concat!(
                r#"{"KeyId":"arn:aws:kms:us-east-1:111122223333:key/1","EncryptionAlgorithm":"RSAES_OAEP_SHA_256","CiphertextBlob":"Yw==","#,
                r#""Recipient":{"KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256","AttestationDocument":"YQ=="}}"#
            )
        );
        let names: Vec<&str> = signed.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "content-type",
                "host",
                "x-amz-date",
                "x-amz-target",
                "authorization"
            ]
        );
        let authorization = &signed.headers.last().unwrap().1;
        assert!(
            authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="
            ),
            "{authorization}"
        );
        assert!(!authorization.contains("secret"));
    }

    #[test]
    fn arns_of_other_forms_are_refused() {
        for arn in [
            "",
            "arn:aws:kms:",
            "arn:aws:kms:evil.example/?:1:key/1",
            "arn:aws:s3:us-east-1:1",
            "arn:aws:kms:US-EAST-1:1",
        ] {
            assert_eq!(decrypt(arn), Err(Error::Arn), "{arn}");
        }
    }

    #[test]
    fn answers_are_distinguished() {
        assert_eq!(
            answer(200, br#"{"CiphertextForRecipient":"YQ==","KeyId":"x"}"#).unwrap(),
            b"a"
        );
        for (status, body, error) in [
            (200, r#"{"Plaintext":"YQ=="}"#, Error::Answer),
            (200, r#"{"CiphertextForRecipient":"YQ"}"#, Error::Answer),
            (
                200,
                r#"{"CiphertextForRecipient":"YQ==","CiphertextForRecipient":"YQ=="}"#,
                Error::Answer,
            ),
            (200, "garbage", Error::Answer),
            (400, r#"{"__type":"ThrottlingException"}"#, Error::Busy(400)),
            (
                400,
                r#"{"__type":"com.amazonaws.kms#LimitExceededException"}"#,
                Error::Busy(400),
            ),
            (503, "", Error::Busy(503)),
            (
                500,
                r#"{"__type":"KMSInternalException"}"#,
                Error::Failed(500),
            ),
            (502, "<html>", Error::Failed(502)),
            (
                400,
                r#"{"__type":"UnrecognizedClientException","message":"x"}"#,
                Error::Credentials,
            ),
            (
                403,
                r#"{"__type":"InvalidSignatureException"}"#,
                Error::Credentials,
            ),
            (400, r#"{"__type":"AccessDeniedException"}"#, Error::Refused),
            (
                400,
                r#"{"__type":"InvalidCiphertextException"}"#,
                Error::Ciphertext,
            ),
            (404, "", Error::Refused),
            (302, "", Error::Answer),
        ] {
            assert_eq!(
                answer(status, body.as_bytes()),
                Err(error),
                "{status} {body}"
            );
            assert_eq!(
                error.is_temporary(),
                matches!(error, Error::Busy(_) | Error::Failed(_))
            );
        }
        assert_eq!(answer(200, &vec![b' '; ANSWER_MAX + 1]), Err(Error::Answer));
    }
}
