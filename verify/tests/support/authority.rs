//! Certificates and attestation documents, right by default and spoilt on request. Written byte by byte, apart from what reads them.

use p384::ecdsa::signature::Signer;
use p384::ecdsa::{DerSignature, Signature, SigningKey};

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..=127 => out.push(u8::try_from(length).unwrap()),
        length => {
            out.push(0x82);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
            if length < 256 {
                out.splice(1..3, [0x81]);
            }
        }
    }
    out.extend(content);
    out
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn name(text: &str) -> Vec<u8> {
    let attribute = sequence(&[vec![6, 3, 0x55, 4, 3], tlv(0x0c, text.as_bytes())]);
    sequence(&[tlv(0x31, &attribute)])
}

fn ecdsa_sha384() -> Vec<u8> {
    sequence(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3])])
}

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 48]).unwrap()
}

/// A certificate to be.
#[derive(Clone)]
pub struct Certificate {
    pub subject: &'static str,
    pub issuer: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    /// basicConstraints: whether there are any, CA, path length.
    pub constraints: Option<(bool, Option<u8>)>,
    /// keyUsage: 0x04 keyCertSign, 0x80 digitalSignature.
    pub usage: Option<u8>,
    pub unknown_critical: bool,
    pub key: u8,
    pub signer: u8,
}

impl Certificate {
    fn extensions(&self) -> Vec<u8> {
        let extension = |id: u8, critical: bool, value: &[u8]| {
            let flag = if critical {
                tlv(1, &[0xff])
            } else {
                Vec::new()
            };
            sequence(&[vec![6, 3, 0x55, 0x1d, id], flag, tlv(4, value)])
        };
        let mut list = Vec::new();
        if let Some((ca, length)) = self.constraints {
            let ca = if ca { tlv(1, &[0xff]) } else { Vec::new() };
            let length = length.map_or(Vec::new(), |length| tlv(2, &[length]));
            list.push(extension(19, true, &sequence(&[ca, length])));
        }
        if let Some(usage) = self.usage {
            let unused = u8::try_from(usage.trailing_zeros()).unwrap();
            list.push(extension(15, true, &tlv(3, &[unused, usage])));
        }
        if self.unknown_critical {
            list.push(extension(99, true, &[5, 0]));
        }
        tlv(0xa3, &sequence(&list))
    }

    pub fn to_der(&self) -> Vec<u8> {
        let point = key(self.key).verifying_key().to_sec1_point(false);
        let algorithm = sequence(&[
            tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]),
            tlv(6, &[0x2b, 0x81, 4, 0, 0x22]),
        ]);
        let bits = [&[0][..], point.as_bytes()].concat();
        let tbs = sequence(&[
            tlv(0xa0, &tlv(2, &[2])),
            tlv(2, &[self.key]),
            ecdsa_sha384(),
            name(self.issuer),
            sequence(&[
                tlv(0x17, self.from.as_bytes()),
                tlv(0x17, self.to.as_bytes()),
            ]),
            name(self.subject),
            sequence(&[algorithm, tlv(3, &bits)]),
            self.extensions(),
        ]);
        let signature: DerSignature = key(self.signer).sign(&tbs);
        sequence(&[
            tbs,
            ecdsa_sha384(),
            tlv(3, &[&[0][..], signature.as_bytes()].concat()),
        ])
    }
}

/// Root, intermediate, leaf: valid in November 2023, the leaf for three hours around [`super::TIME`].
pub fn chain() -> [Certificate; 3] {
    let root = Certificate {
        subject: "root",
        issuer: "root",
        from: "191028132805Z",
        to: "491028142805Z",
        constraints: Some((true, None)),
        usage: Some(0x04),
        unknown_critical: false,
        key: 1,
        signer: 1,
    };
    let middle = Certificate {
        subject: "middle",
        from: "231101000000Z",
        to: "231201000000Z",
        constraints: Some((true, Some(0))),
        key: 2,
        ..root.clone()
    };
    let leaf = Certificate {
        subject: "leaf",
        issuer: "middle",
        from: "231114210000Z",
        to: "231115000000Z",
        constraints: None,
        usage: Some(0x80),
        key: 3,
        signer: 2,
        ..root.clone()
    };
    [root, middle, leaf]
}

pub fn root() -> Vec<u8> {
    let [root, ..] = chain();
    root.to_der()
}

fn head(major: u8, argument: u64) -> Vec<u8> {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => vec![major | bytes[7]],
        24..=0xff => vec![major + 24, bytes[7]],
        0x100..=0xffff => [&[major + 25], &bytes[6..]].concat(),
        _ => [&[major + 27], &bytes[..]].concat(),
    }
}

pub fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

pub fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

fn optional(value: Option<&Vec<u8>>) -> Vec<u8> {
    value.map_or(vec![0xf6], |value| bytes(value))
}

/// An attestation document to be.
#[derive(Clone)]
pub struct Document {
    pub module_id: &'static str,
    pub digest: &'static str,
    pub time: u64,
    pub pcrs: Vec<(u8, Vec<u8>)>,
    pub chain: Vec<Certificate>,
    pub public_key: Option<Vec<u8>>,
    pub user_data: Option<Vec<u8>>,
    pub nonce: Option<Vec<u8>>,
    /// More members of the payload, as CBOR.
    pub more: Vec<(&'static str, Vec<u8>)>,
    pub protected: Vec<u8>,
    pub unprotected: Vec<u8>,
    /// The key that signs.
    pub signer: u8,
    pub tag: Vec<u8>,
    pub behind: Vec<u8>,
}

impl Document {
    /// Of release `good`.
    pub fn new() -> Self {
        Self {
            module_id: "i-0-enc0",
            digest: "SHA384",
            time: super::TIME,
            pcrs: (0..16)
                .map(|number| (number, super::pcr(0x11).to_vec()))
                .collect(),
            chain: chain().to_vec(),
            public_key: None,
            user_data: None,
            nonce: None,
            more: Vec::new(),
            protected: vec![0xa1, 0x01, 0x38, 0x22],
            unprotected: vec![0xa0],
            signer: 3,
            tag: Vec::new(),
            behind: Vec::new(),
        }
    }

    pub fn with_pcrs(mut self, byte: u8) -> Self {
        for (_, value) in &mut self.pcrs {
            *value = super::pcr(byte).to_vec();
        }
        self
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let (leaf, bundle) = self.chain.split_last().unwrap();
        let pcrs: Vec<u8> = self
            .pcrs
            .iter()
            .flat_map(|(number, value)| [head(0, u64::from(*number)), bytes(value)].concat())
            .collect();
        let bundle: Vec<u8> = bundle
            .iter()
            .flat_map(|certificate| bytes(&certificate.to_der()))
            .collect();
        let mut members = vec![
            ("module_id", text(self.module_id)),
            ("digest", text(self.digest)),
            ("timestamp", head(0, self.time)),
            ("pcrs", [head(5, self.pcrs.len() as u64), pcrs].concat()),
            ("certificate", bytes(&leaf.to_der())),
            (
                "cabundle",
                [head(4, self.chain.len() as u64 - 1), bundle].concat(),
            ),
            ("public_key", optional(self.public_key.as_ref())),
            ("user_data", optional(self.user_data.as_ref())),
            ("nonce", optional(self.nonce.as_ref())),
        ];
        members.extend(self.more.clone());
        let mut payload = head(5, members.len() as u64);
        for (name, value) in members {
            payload.extend(text(name));
            payload.extend(value);
        }
        let signed = [
            vec![0x84],
            text("Signature1"),
            bytes(&self.protected),
            bytes(&[]),
            bytes(&payload),
        ]
        .concat();
        let signature: Signature = key(self.signer).sign(&signed);
        [
            self.tag.clone(),
            vec![0x84],
            bytes(&self.protected),
            self.unprotected.clone(),
            bytes(&payload),
            bytes(&signature.to_bytes()),
            self.behind.clone(),
        ]
        .concat()
    }
}
