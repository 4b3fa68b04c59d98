//! One certificate (RFC 5280, section 4), with the fields that path validation needs.

use crate::error::{CertificateProblem as Problem, Moment};
use crate::p384::Key;
use x509_cert::Certificate as X509;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Header, Reader, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;

/// ecdsa-with-SHA384 (RFC 5758, section 3.2).
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
/// id-ecPublicKey and secp384r1 (RFC 5480).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// commonName (RFC 5280, appendix A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

pub(crate) struct Certificate<'a> {
    pub(crate) der: &'a [u8],
    /// The signed part, as received.
    tbs: &'a [u8],
    parsed: X509,
}

impl<'a> Certificate<'a> {
    /// Parses DER and refuses trailing bytes.
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, Problem> {
        let malformed = |error: x509_cert::der::Error| Problem::Malformed(error.to_string());
        let parsed = X509::from_der(der).map_err(malformed)?;
        let mut reader = SliceReader::new(der).map_err(malformed)?;
        Header::decode(&mut reader).map_err(malformed)?;
        let tbs = reader.tlv_bytes().map_err(malformed)?;
        Ok(Self { der, tbs, parsed })
    }

    /// The subject's common name, escaped so that it cannot act on a terminal.
    pub(crate) fn subject(&self) -> String {
        let subject = self.parsed.tbs_certificate().subject();
        let common = subject.iter().find(|pair| pair.oid == COMMON_NAME);
        let text = common.and_then(|pair| {
            let utf8 = pair.value.decode_as::<Utf8StringRef<'_>>().ok();
            let printable = || pair.value.decode_as::<PrintableStringRef<'_>>().ok();
            utf8.map(|text| text.as_str().to_owned())
                .or_else(|| printable().map(|text| text.as_str().to_owned()))
        });
        match text {
            Some(text) => text.escape_debug().to_string(),
            None => "no common name".to_owned(),
        }
    }

    pub(crate) fn names(&self) -> (&Name, &Name) {
        let tbs = self.parsed.tbs_certificate();
        (tbs.issuer(), tbs.subject())
    }

    /// Checks that the certificate is valid at a time in milliseconds since 1970. The whole last
    /// second counts as valid.
    pub(crate) fn check_time(&self, at: u64) -> Result<(), Problem> {
        let validity = self.parsed.tbs_certificate().validity();
        let (from, to) = (
            validity.not_before.to_unix_duration().as_secs(),
            validity.not_after.to_unix_duration().as_secs(),
        );
        if (from..=to).contains(&(at / 1000)) {
            return Ok(());
        }
        let moment = |seconds: u64| Moment(seconds.saturating_mul(1000));
        Err(Problem::Validity {
            from: moment(from),
            to: moment(to),
            at: Moment(at),
        })
    }

    /// Checks for version 3, no duplicate extension, and no critical extension that this verifier
    /// does not implement.
    pub(crate) fn check_form(&self) -> Result<(), Problem> {
        let tbs = self.parsed.tbs_certificate();
        if tbs.version() != Version::V3 {
            return Err(Problem::Version);
        }
        let extensions = tbs.extensions().map_or(&[][..], Vec::as_slice);
        for (index, extension) in extensions.iter().enumerate() {
            let oid = extension.extn_id;
            let rest = extensions.get(index + 1..).unwrap_or_default();
            if rest.iter().any(|other| other.extn_id == oid) {
                return Err(Problem::DuplicateExtension(oid.to_string()));
            }
            // RFC 5280, section 4.2: a critical extension that is not understood invalidates the
            // certificate.
            if extension.critical && ![BasicConstraints::OID, KeyUsage::OID].contains(&oid) {
                return Err(Problem::CriticalExtension(oid.to_string()));
            }
        }
        Ok(())
    }

    fn basic_constraints(&self) -> Result<Option<(bool, BasicConstraints)>, Problem> {
        let found = self.parsed.tbs_certificate().get_extension();
        found.map_err(|_| Problem::MalformedExtension("basicConstraints"))
    }

    fn key_usage(&self) -> Result<KeyUsage, Problem> {
        let found = self.parsed.tbs_certificate().get_extension();
        let found = found.map_err(|_| Problem::MalformedExtension("keyUsage"))?;
        found.map(|(_, usage)| usage).ok_or(Problem::NoKeyUsage)
    }

    /// Checks that the certificate may issue others with `between` certificates between it and the
    /// last. Self-issued certificates count like others.
    pub(crate) fn check_issuer(&self, between: usize) -> Result<(), Problem> {
        let constraints = self.basic_constraints()?;
        // Without this check, whoever holds a leaf could issue certificates.
        let Some((_, constraints)) = constraints.filter(|(critical, basic)| *critical && basic.ca)
        else {
            return Err(Problem::NotCa);
        };
        if !self.key_usage()?.key_cert_sign() {
            return Err(Problem::NoCertSign);
        }
        match constraints.path_len_constraint {
            Some(limit) if between > usize::from(limit) => Err(Problem::PathLength {
                limit,
                found: between,
            }),
            _ => Ok(()),
        }
    }

    /// Checks that the certificate may sign documents but not issue certificates.
    pub(crate) fn check_leaf(&self) -> Result<(), Problem> {
        let ca = self.basic_constraints()?.is_some_and(|(_, basic)| basic.ca);
        let usage = self.key_usage()?;
        if ca || usage.key_cert_sign() {
            return Err(Problem::LeafCa);
        }
        if !usage.digital_signature() {
            return Err(Problem::NoDigitalSignature);
        }
        Ok(())
    }

    pub(crate) fn key(&self) -> Result<Key, Problem> {
        let spki = self.parsed.tbs_certificate().subject_public_key_info();
        let curve = spki.algorithm.parameters.as_ref();
        let curve = curve.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        if spki.algorithm.oid != EC_PUBLIC_KEY || curve != Some(SECP384R1) {
            return Err(Problem::Key);
        }
        let point = spki.subject_public_key.as_bytes();
        point.and_then(Key::new).ok_or(Problem::Key)
    }

    /// Checks that both algorithm fields are ecdsa-with-SHA384, without parameters.
    // Both fields must agree: only the inner one is signed.
    pub(crate) fn check_algorithm(&self) -> Result<(), Problem> {
        let inside = self.parsed.tbs_certificate().signature();
        let good = [self.parsed.signature_algorithm(), inside]
            .iter()
            .all(|algorithm| algorithm.oid == ECDSA_SHA384 && algorithm.parameters.is_none());
        if good {
            Ok(())
        } else {
            Err(Problem::Algorithm)
        }
    }

    pub(crate) fn signed_by(&self, issuer: &Key) -> bool {
        let signature = self.parsed.signature().as_bytes();
        signature.is_some_and(|signature| issuer.verify_der(self.tbs, signature))
    }
}
