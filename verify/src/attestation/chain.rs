//! The way from a root certificate to the key that signed (RFC 5280, section 6), without revocation lists: AWS publishes none.

use p384::ecdsa::signature::Verifier;
use p384::ecdsa::{DerSignature, VerifyingKey};
use x509_cert::Certificate;
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

/// ecdsa-with-SHA384 (RFC 5758, section 3.2).
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
/// id-ecPublicKey and secp384r1 (RFC 5480).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Whether bytes are one certificate.
pub(super) fn readable(der: &[u8]) -> Result<(), String> {
    parse(der).map(|_| ())
}

fn parse(der: &[u8]) -> Result<Certificate, String> {
    Certificate::from_der(der).map_err(|error| format!("a certificate cannot be read: {error}"))
}

/// Validates a chain, root first, at a time in seconds since 1970. Returns the key of its last certificate.
///
/// The root's own signature is not checked: the caller knows the certificate.
pub(super) fn leaf_key(chain: &[&[u8]], time: u64) -> Result<VerifyingKey, String> {
    let certificates = chain
        .iter()
        .map(|der| parse(der))
        .collect::<Result<Vec<_>, _>>()?;
    let mut issuer: Option<(&Certificate, VerifyingKey)> = None;
    for (index, certificate) in certificates.iter().enumerate() {
        // Certificates between this one and the last.
        let below = certificates.len().saturating_sub(index + 2);
        let is_leaf = index + 1 == certificates.len();
        let name = || certificate.tbs_certificate().subject().to_string();
        let wrong = |problem: &str| format!("certificate {:?} {problem}", name());
        check_time(certificate, time).map_err(|problem| wrong(&problem))?;
        check_extensions(certificate, is_leaf, below).map_err(wrong)?;
        if let Some((parent, key)) = &issuer
            && !signed_by(certificate, parent, key)
        {
            return Err(wrong("was not issued by the one before it"));
        }
        let Some(key) = key(certificate) else {
            return Err(wrong("has no key on the curve P-384"));
        };
        if is_leaf {
            return if issuer.is_some() {
                Ok(key)
            } else {
                Err(wrong("stands alone"))
            };
        }
        issuer = Some((certificate, key));
    }
    Err("there are no certificates".to_owned())
}

fn check_time(certificate: &Certificate, time: u64) -> Result<(), String> {
    let validity = certificate.tbs_certificate().validity();
    let (from, to) = (
        validity.not_before.to_unix_duration().as_secs(),
        validity.not_after.to_unix_duration().as_secs(),
    );
    if (from..=to).contains(&time) {
        return Ok(());
    }
    Err(format!(
        "is valid from {} to {}, not at {}",
        crate::time::utc(from),
        crate::time::utc(to),
        crate::time::utc(time)
    ))
}

/// basicConstraints, keyUsage, and no critical extension that nobody here understands.
fn check_extensions(
    certificate: &Certificate,
    is_leaf: bool,
    below: usize,
) -> Result<(), &'static str> {
    let tbs = certificate.tbs_certificate();
    for extension in tbs.extensions().into_iter().flatten() {
        let known = [BasicConstraints::OID, KeyUsage::OID].contains(&extension.extn_id);
        if extension.critical && !known {
            return Err("has a critical extension that is not understood");
        }
    }
    let basic = tbs.get_extension::<BasicConstraints>();
    let basic = basic.map_err(|_| "has a malformed or doubled basicConstraints")?;
    let usage = tbs
        .get_extension::<KeyUsage>()
        .map_err(|_| "has a malformed or doubled keyUsage")?;
    let Some((_, usage)) = usage else {
        return Err("has no keyUsage");
    };
    if is_leaf {
        if basic.is_some_and(|(_, basic)| basic.ca) {
            return Err("is a CA, and must be none: it signed the document");
        }
        if !usage.digital_signature() {
            return Err("may not sign (keyUsage without digitalSignature)");
        }
        return Ok(());
    }
    let Some((_, basic)) = basic.filter(|(critical, basic)| *critical && basic.ca) else {
        return Err("is no CA, and issued another certificate");
    };
    if basic
        .path_len_constraint
        .is_some_and(|limit| below > usize::from(limit))
    {
        return Err("allows fewer certificates below it (pathLenConstraint)");
    }
    if !usage.key_cert_sign() {
        return Err("may not issue certificates (keyUsage without keyCertSign)");
    }
    Ok(())
}

fn key(certificate: &Certificate) -> Option<VerifyingKey> {
    let spki = certificate.tbs_certificate().subject_public_key_info();
    let curve = spki
        .algorithm
        .parameters
        .as_ref()?
        .decode_as::<ObjectIdentifier>()
        .ok()?;
    if spki.algorithm.oid != EC_PUBLIC_KEY || curve != SECP384R1 {
        return None;
    }
    VerifyingKey::from_sec1_bytes(spki.subject_public_key.as_bytes()?).ok()
}

fn signed_by(certificate: &Certificate, parent: &Certificate, key: &VerifyingKey) -> bool {
    let tbs = certificate.tbs_certificate();
    let algorithms = [certificate.signature_algorithm(), tbs.signature()];
    if algorithms
        .iter()
        .any(|algorithm| algorithm.oid != ECDSA_SHA384 || algorithm.parameters.is_some())
        || tbs.issuer() != parent.tbs_certificate().subject()
    {
        return false;
    }
    // DER has one spelling, and the reader takes no other: what is written again is what was signed.
    let (Ok(signed), Some(signature)) = (tbs.to_der(), certificate.signature().as_bytes()) else {
        return false;
    };
    DerSignature::from_bytes(signature)
        .is_ok_and(|signature| key.verify(&signed, &signature).is_ok())
}
