//! Certificates in the form of AWS's (RFC 5280).

use crate::der::{oid, sequence, tlv, utc_time};
use p384::ecdsa::signature::Signer;
use p384::ecdsa::{DerSignature, SigningKey};

/// One of the fixed keys, 1 to 254. The chain's certificates have 1 to 5.
///
/// # Panics
/// For 0 and 255, which are not private keys.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 48]).expect("1 to 254")
}

/// The signature algorithm that a certificate states. The signature itself is always
/// ecdsa-with-SHA384.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ecdsa-with-SHA384.
    Sha384,
    /// ecdsa-with-SHA256.
    Sha256,
}

impl Algorithm {
    fn to_der(self) -> Vec<u8> {
        let last = match self {
            Self::Sha384 => 3,
            Self::Sha256 => 2,
        };
        sequence(&[oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, last])])
    }
}

/// How a certificate spells its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// An uncompressed point of P-384.
    Uncompressed,
    /// A compressed one.
    Compressed,
    /// 97 bytes that are not a point of the curve.
    OffCurve,
    /// A point of P-384 that the algorithm identifier declares as P-256.
    OtherCurve,
}

/// basicConstraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constraints {
    /// Whether they are critical.
    pub critical: bool,
    /// cA.
    pub ca: bool,
    /// pathLenConstraint.
    pub path: Option<u8>,
}

/// An additional extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The last arc of 2.5.29.
    pub id: u8,
    /// Whether it is critical.
    pub critical: bool,
    /// Its value, DER.
    pub value: Vec<u8>,
}

/// The fields of a certificate before signing.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// 2 for version 3.
    pub version: u8,
    /// Common name of the subject.
    pub subject: String,
    /// Common name of the issuer.
    pub issuer: String,
    /// First second of validity, since 1970.
    pub from: u64,
    /// Last second of validity.
    pub to: u64,
    /// basicConstraints, if any.
    pub constraints: Option<Constraints>,
    /// keyUsage, if any: 0x80 digitalSignature, 0x04 keyCertSign, 0x02 cRLSign.
    pub usage: Option<u8>,
    /// Further extensions.
    pub more: Vec<Extension>,
    /// Number of its key.
    pub key: u8,
    /// How the key is spelt.
    pub point: Point,
    /// Number of the key that signs it.
    pub signer: u8,
    /// The algorithm in the signed part.
    pub inner: Algorithm,
    /// The algorithm outside.
    pub outer: Algorithm,
    /// Trailing bytes after the certificate.
    pub behind: Vec<u8>,
}

/// keyCertSign and cRLSign with digitalSignature, as AWS's CAs have them.
const CA_USAGE: u8 = 0x86;
/// When AWS's root begins, and how long it lives.
const ROOT_FROM: u64 = 1_572_269_285;
const ROOT_TO: u64 = 2_519_044_085;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The test root: name, usage and validity as AWS's, and its own key.
pub fn root() -> Certificate {
    Certificate {
        version: 2,
        subject: "aws.nitro-enclaves".to_owned(),
        issuer: "aws.nitro-enclaves".to_owned(),
        from: ROOT_FROM,
        to: ROOT_TO,
        constraints: Some(Constraints {
            critical: true,
            ca: true,
            path: None,
        }),
        usage: Some(CA_USAGE),
        more: Vec::new(),
        key: 1,
        point: Point::Uncompressed,
        signer: 1,
        inner: Algorithm::Sha384,
        outer: Algorithm::Sha384,
        behind: Vec::new(),
    }
}

/// Root, region, zone, instance, enclave, in the form of AWS's: around a time (seconds since 1970)
/// they are valid for 20 days, 5 days, a day and three hours.
pub fn chain(time: u64) -> Vec<Certificate> {
    let authority =
        |subject: &str, issuer: &str, before: u64, after: u64, path, number| Certificate {
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
            from: time - before,
            to: time + after,
            constraints: Some(Constraints {
                critical: true,
                ca: true,
                path: Some(path),
            }),
            key: number,
            signer: number - 1,
            ..root()
        };
    let region = authority(
        "0000.us-east-1.aws.nitro-enclaves",
        "aws.nitro-enclaves",
        5 * DAY,
        15 * DAY,
        2,
        2,
    );
    let zone = authority(
        "0000.zonal.us-east-1.aws.nitro-enclaves",
        &region.subject,
        DAY,
        4 * DAY,
        1,
        3,
    );
    let mut instance = authority(
        "i-0000.us-east-1.aws.nitro-enclaves",
        &zone.subject,
        HOUR,
        23 * HOUR,
        0,
        4,
    );
    instance.usage = Some(0x04);
    let mut enclave = authority(
        "i-0000-enc0000.us-east-1.aws",
        &instance.subject,
        60,
        3 * HOUR,
        0,
        5,
    );
    enclave.constraints = Some(Constraints {
        critical: true,
        ca: false,
        path: None,
    });
    // digitalSignature and nonRepudiation.
    enclave.usage = Some(0xc0);
    vec![root(), region, zone, instance, enclave]
}

fn name(text: &str) -> Vec<u8> {
    let attribute = |kind: u8, tag: u8, text: &str| {
        let pair = sequence(&[oid(&[0x55, 4, kind]), tlv(tag, text.as_bytes())]);
        tlv(0x31, &pair)
    };
    sequence(&[
        attribute(6, 0x13, "US"),
        attribute(10, 0x0c, "Test"),
        attribute(3, 0x0c, text),
    ])
}

fn extension(id: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical {
        tlv(1, &[0xff])
    } else {
        Vec::new()
    };
    sequence(&[oid(&[0x55, 0x1d, id]), flag, tlv(4, value)])
}

impl Certificate {
    fn extensions(&self) -> Vec<u8> {
        let mut list = Vec::new();
        if let Some(constraints) = self.constraints {
            let ca = if constraints.ca {
                tlv(1, &[0xff])
            } else {
                Vec::new()
            };
            let path = constraints.path.map_or(Vec::new(), |path| tlv(2, &[path]));
            list.push(extension(19, constraints.critical, &sequence(&[ca, path])));
        }
        if let Some(usage) = self.usage {
            let unused = u8::try_from(usage.trailing_zeros()).unwrap_or(0);
            // Critical in CAs, and not in enclaves' certificates, as AWS has it.
            let critical = usage & 0x04 != 0;
            list.push(extension(15, critical, &tlv(3, &[unused, usage])));
        }
        for more in &self.more {
            list.push(extension(more.id, more.critical, &more.value));
        }
        if list.is_empty() {
            return Vec::new();
        }
        tlv(0xa3, &sequence(&list))
    }

    fn public_key(&self) -> Vec<u8> {
        let compressed = self.point == Point::Compressed;
        let point = key(self.key).verifying_key().to_sec1_point(compressed);
        let mut point = point.as_bytes().to_vec();
        if self.point == Point::OffCurve
            && let Some(last) = point.last_mut()
        {
            *last ^= 1;
        }
        let curve = match self.point {
            Point::OtherCurve => oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
            _ => oid(&[0x2b, 0x81, 4, 0, 0x22]),
        };
        let algorithm = sequence(&[oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), curve]);
        sequence(&[algorithm, tlv(3, &[&[0], point.as_slice()].concat())])
    }

    /// The certificate, signed.
    pub fn to_der(&self) -> Vec<u8> {
        let version = match self.version {
            0 => Vec::new(),
            version => tlv(0xa0, &tlv(2, &[version])),
        };
        let tbs = sequence(&[
            version,
            tlv(2, &[self.key & 0x7f]),
            self.inner.to_der(),
            name(&self.issuer),
            sequence(&[utc_time(self.from), utc_time(self.to)]),
            name(&self.subject),
            self.public_key(),
            self.extensions(),
        ]);
        let signature: DerSignature = key(self.signer).sign(&tbs);
        let signature = tlv(3, &[&[0], signature.as_bytes()].concat());
        let mut der = sequence(&[tbs, self.outer.to_der(), signature]);
        der.extend(&self.behind);
        der
    }
}
