//! Verification of AWS Signature Version 4, apart from the code that signs in the server.

use crate::http::Request;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// How far a request's time may be off, in seconds.
const SKEW: u64 = 300;

/// Why a request is refused: the kind of AWS's error, and its message.
pub(super) type Refusal = (&'static str, String);

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Checks a request for a service and a region, and gives the access key that signed it. `secret`
/// knows access keys, `now` is in seconds since 1970.
pub(super) fn verify(
    request: &Request,
    service: &str,
    region: &str,
    secret: impl Fn(&str) -> Option<String>,
    now: u64,
) -> Result<String, Refusal> {
    let incomplete = |what: &str| ("IncompleteSignatureException", what.to_owned());
    let authorization = request.header("authorization").ok_or((
        "MissingAuthenticationTokenException",
        "Missing Authentication Token".to_owned(),
    ))?;
    let fields = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or_else(|| incomplete("another algorithm"))?;
    let field = |name: &str| {
        let mut fields = fields.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let (Some(credential), Some(signed), Some(signature)) = (
        field("Credential"),
        field("SignedHeaders"),
        field("Signature"),
    ) else {
        return Err(incomplete("Authorization header lacks a part"));
    };
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key, date, in_region, in_service, "aws4_request"] = parts[..] else {
        return Err(incomplete("Credential is malformed"));
    };
    let secret = secret(access_key).ok_or((
        "UnrecognizedClientException",
        "The security token included in the request is invalid.".to_owned(),
    ))?;
    let invalid = |what: &str| ("InvalidSignatureException", what.to_owned());
    if (in_region, in_service) != (region, service) {
        return Err(invalid(
            "Credential should be scoped to a valid region and service.",
        ));
    }
    let time = request.header("x-amz-date").unwrap_or_default();
    let seconds = seconds(time).ok_or_else(|| incomplete("X-Amz-Date is malformed"))?;
    if time.get(..8) != Some(date) {
        return Err(invalid(
            "Date in Credential scope does not match X-Amz-Date.",
        ));
    }
    if seconds.abs_diff(now) > SKEW {
        return Err(invalid("Signature expired"));
    }
    let names: Vec<&str> = signed.split(';').collect();
    if !names.is_sorted() {
        return Err(invalid("SignedHeaders are not sorted."));
    }
    // host, and everything that says what is wanted.
    let must = |name: &str| name == "host" || name.starts_with("x-amz-");
    let unsigned = request
        .headers
        .iter()
        .find(|(name, _)| must(name) && !names.contains(&name.as_str()));
    if unsigned.is_some() || !names.contains(&"host") {
        return Err(invalid("There must be no unsigned host or x-amz header."));
    }
    let mut canonical = format!("{}\n{}\n\n", request.method, request.target);
    for name in &names {
        let values: Vec<String> = request
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        canonical.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    let body = hex::encode(Sha256::digest(&request.body));
    canonical.push_str(&format!("\n{signed}\n{body}"));
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{date}/{region}/{service}/aws4_request\n{}",
        hex::encode(Sha256::digest(&canonical))
    );
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    for part in [region, service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    if hex::encode(hmac(&key, text.as_bytes())) == signature {
        Ok(access_key.to_owned())
    } else {
        Err(invalid(
            "The request signature we calculated does not match the signature you provided.",
        ))
    }
}

/// Seconds since 1970 of `YYYYMMDDTHHMMSSZ`.
fn seconds(time: &str) -> Option<u64> {
    let bytes = time.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| time.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut days: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    days += months[..usize::try_from(month).ok()? - 1]
        .iter()
        .sum::<u64>()
        + day
        - 1;
    Some(days * 86_400 + number(9..11)? * 3600 + number(11..13)? * 60 + number(13..15)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("20150830T123600Z"), Some(1_440_938_160));
        assert_eq!(seconds("20000229T000000Z"), Some(951_782_400));
        assert_eq!(seconds("20150830123600"), None);
    }

    /// AWS's published test suite: post-vanilla.
    #[test]
    fn the_published_vector_is_accepted_and_nothing_near_it() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            method: "POST".to_owned(),
            target: "/".to_owned(),
            headers: vec![
                header("host", "example.amazonaws.com"),
                header("x-amz-date", "20150830T123600Z"),
                header(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, \
                     Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
                ),
            ],
            body: Vec::new(),
        };
        let secret = |key: &str| {
            (key == "AKIDEXAMPLE").then(|| "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned())
        };
        let now = 1_440_938_160;
        let check = |request: &Request, now| verify(request, "service", "us-east-1", secret, now);
        assert_eq!(check(&request, now), Ok("AKIDEXAMPLE".to_owned()));
        assert_eq!(
            check(&request, now + 301).unwrap_err().0,
            "InvalidSignatureException"
        );
        let mut other = request.clone();
        other.body.push(1);
        assert_eq!(
            check(&other, now).unwrap_err().0,
            "InvalidSignatureException"
        );
        let mut other = request.clone();
        other.headers.push(header("x-amz-target", "unsigned"));
        assert_eq!(
            check(&other, now).unwrap_err().0,
            "InvalidSignatureException"
        );
        let mut other = request.clone();
        other.headers[2].1 = other.headers[2].1.replace("AKID", "AKIE");
        assert_eq!(
            check(&other, now).unwrap_err().0,
            "UnrecognizedClientException"
        );
        other.headers.pop();
        assert_eq!(
            check(&other, now).unwrap_err().0,
            "MissingAuthenticationTokenException"
        );
    }
}
