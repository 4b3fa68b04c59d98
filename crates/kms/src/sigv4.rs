//! AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API request").

use crate::hmac::hmac_sha256;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Who signs, and for what.
pub(crate) struct Credentials<'a> {
    /// The access key's identifier.
    pub(crate) key_id: &'a str,
    /// Its secret.
    pub(crate) secret: &'a str,
    /// `us-east-1`.
    pub(crate) region: &'a str,
    /// `kms`.
    pub(crate) service: &'a str,
}

/// A request as far as it is signed. Names of headers are in lower case, sorted, without
/// repetition; values have no white space around them.
pub(crate) struct Request<'a> {
    /// `POST`.
    pub(crate) method: &'a str,
    /// Path, encoded as it is sent.
    pub(crate) path: &'a str,
    /// Query, its parameters encoded and sorted; empty without one.
    pub(crate) query: &'a str,
    /// All headers that are signed, `host` and `x-amz-date` among them.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub(crate) body: &'a [u8],
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The value of the header `authorization`. `time` is that of the header `x-amz-date`,
/// `YYYYMMDDTHHMMSSZ`.
pub(crate) fn authorization(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    time: &str,
) -> String {
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{}\n{names}\n{}",
        request.method,
        request.path,
        request.query,
        headers.concat(),
        hex::encode(Sha256::digest(request.body)),
    );
    let date = time.get(..8).unwrap_or_default();
    let scope = format!(
        "{date}/{}/{}/aws4_request",
        credentials.region, credentials.service
    );
    let text = format!(
        "{ALGORITHM}\n{time}\n{scope}\n{}",
        hex::encode(Sha256::digest(&canonical))
    );
    let secret = Zeroizing::new(format!("AWS4{}", credentials.secret));
    let mut key = hmac_sha256(secret.as_bytes(), &[date.as_bytes()]);
    for part in [credentials.region, credentials.service, "aws4_request"] {
        key = hmac_sha256(&*key, &[part.as_bytes()]);
    }
    let signature = hex::encode(*hmac_sha256(&*key, &[text.as_bytes()]));
    format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        credentials.key_id
    )
}

/// `YYYYMMDDTHHMMSSZ` for seconds since 1970, by the proleptic Gregorian calendar.
pub(crate) fn amz_date(seconds: u64) -> String {
    let utc = letsesign_utc::Utc::of(seconds);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "20150830T123600Z";

    fn signature(request: &Request<'_>, service: &str) -> String {
        let credentials = Credentials {
            key_id: "AKIDEXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service,
        };
        let text = authorization(request, &credentials, TIME);
        text.rsplit('=').next().unwrap().to_owned()
    }

    /// Of AWS's published test suite: get-vanilla and post-vanilla.
    #[test]
    fn the_published_vectors() {
        let headers = [("host", "example.amazonaws.com"), ("x-amz-date", TIME)];
        for (method, expected) in [
            (
                "GET",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ] {
            let request = Request {
                method,
                path: "/",
                query: "",
                headers: &headers,
                body: b"",
            };
            assert_eq!(signature(&request, "service"), expected, "{method}");
        }
    }

    /// The example of the General Reference.
    #[test]
    fn the_documented_example() {
        let request = Request {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &[
                (
                    "content-type",
                    "application/x-www-form-urlencoded; charset=utf-8",
                ),
                ("host", "iam.amazonaws.com"),
                ("x-amz-date", TIME),
            ],
            body: b"",
        };
        assert_eq!(
            signature(&request, "iam"),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, TIME),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(amz_date(seconds), text);
        }
    }
}
