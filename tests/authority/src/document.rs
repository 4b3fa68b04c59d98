//! Attestation documents: COSE_Sign1 (RFC 9052) around the payload of AWS's nsm-api.

use crate::cbor::{array, bytes, map, text, unsigned};
use crate::certificate::{Certificate, chain, key};
use p384::ecdsa::Signature;
use p384::ecdsa::signature::Signer;

/// The protected header of every real document: `{1: -35}`.
pub const ES384: &[u8] = &[0xa1, 0x01, 0x38, 0x22];

/// The fields of an attestation document before signing.
#[derive(Debug, Clone)]
pub struct Document {
    /// module_id.
    pub module_id: String,
    /// digest.
    pub digest: String,
    /// timestamp, in milliseconds since 1970.
    pub time: u64,
    /// pcrs, in the order of writing.
    pub pcrs: Vec<(u64, Vec<u8>)>,
    /// cabundle, and certificate as its last.
    pub chain: Vec<Certificate>,
    /// public_key; null for `None`.
    pub public_key: Option<Vec<u8>>,
    /// user_data; null for `None`.
    pub user_data: Option<Vec<u8>>,
    /// nonce; null for `None`.
    pub nonce: Option<Vec<u8>>,
    /// Members that are left out.
    pub without: Vec<&'static str>,
    /// Members whose value is written as this CBOR.
    pub instead: Vec<(&'static str, Vec<u8>)>,
    /// More members of the payload, as CBOR.
    pub more: Vec<(&'static str, Vec<u8>)>,
    /// Whether the payload's map has no length, as with newer NSMs.
    pub indefinite: bool,
    /// The protected header.
    pub protected: Vec<u8>,
    /// The unprotected header, as CBOR.
    pub unprotected: Vec<u8>,
    /// Number of the key that signs; the certificate has 5.
    pub signer: u8,
    /// The signature, instead of the right one.
    pub signature: Option<Vec<u8>>,
    /// Head of the COSE_Sign1, with its tag if any.
    pub head: Vec<u8>,
    /// Bytes behind the payload's map, signed with it.
    pub behind_payload: Vec<u8>,
    /// Trailing bytes after the document.
    pub behind: Vec<u8>,
}

impl Document {
    /// Made at a time (milliseconds since 1970) by an enclave whose registers 0 to 2 are full of
    /// one byte, as small as a document gets.
    pub fn new(time: u64, register: u8) -> Self {
        let pcrs = (0..16)
            .map(|number| (number, vec![if number < 3 { register } else { 0 }; 48]))
            .collect();
        Self {
            module_id: "i-0000-enc0000".to_owned(),
            digest: "SHA384".to_owned(),
            time,
            pcrs,
            chain: chain(time / 1000),
            public_key: None,
            user_data: None,
            nonce: None,
            without: Vec::new(),
            instead: Vec::new(),
            more: Vec::new(),
            indefinite: false,
            protected: ES384.to_vec(),
            unprotected: vec![0xa0],
            signer: 5,
            signature: None,
            head: vec![0x84],
            behind_payload: Vec::new(),
            behind: Vec::new(),
        }
    }

    /// With registers 0 to 2 full of a byte.
    #[must_use]
    pub fn with_pcrs(self, fill: u8) -> Self {
        self.with_each_pcr([fill; 3])
    }

    /// With registers 0 to 2 full of these bytes.
    #[must_use]
    pub fn with_each_pcr(mut self, fill: [u8; 3]) -> Self {
        for (number, byte) in fill.into_iter().enumerate() {
            if let Some((_, value)) = self.pcrs.get_mut(number) {
                *value = vec![byte; 48];
            }
        }
        self
    }

    fn members(&self) -> Vec<(&'static str, Vec<u8>)> {
        let optional = |value: &Option<Vec<u8>>| match value {
            Some(value) => bytes(value),
            None => vec![0xf6],
        };
        let mut pcrs = map(self.pcrs.len() as u64);
        for (number, value) in &self.pcrs {
            pcrs.extend(unsigned(*number));
            pcrs.extend(bytes(value));
        }
        let (leaf, bundle) = match self.chain.split_last() {
            Some((leaf, bundle)) => (leaf.to_der(), bundle),
            None => (Vec::new(), &[][..]),
        };
        let mut cabundle = array(bundle.len() as u64);
        for certificate in bundle {
            cabundle.extend(bytes(&certificate.to_der()));
        }
        vec![
            ("module_id", text(&self.module_id)),
            ("digest", text(&self.digest)),
            ("timestamp", unsigned(self.time)),
            ("pcrs", pcrs),
            ("certificate", bytes(&leaf)),
            ("cabundle", cabundle),
            ("public_key", optional(&self.public_key)),
            ("user_data", optional(&self.user_data)),
            ("nonce", optional(&self.nonce)),
        ]
    }

    fn payload(&self) -> Vec<u8> {
        let mut members = self.members();
        members.retain(|(name, _)| !self.without.contains(name));
        for (name, value) in &mut members {
            if let Some((_, other)) = self.instead.iter().find(|(other, _)| other == name) {
                value.clone_from(other);
            }
        }
        members.extend(self.more.iter().cloned());
        let mut payload = if self.indefinite {
            vec![0xbf]
        } else {
            map(members.len() as u64)
        };
        for (name, value) in members {
            payload.extend(text(name));
            payload.extend(value);
        }
        if self.indefinite {
            payload.push(0xff);
        }
        payload.extend(&self.behind_payload);
        payload
    }

    /// The document, signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes_by(|signed| {
            let signature: Signature = key(self.signer).sign(signed);
            signature.to_bytes().to_vec()
        })
    }

    /// The document, signed by a faster implementation: it gets the bytes to sign and returns 96
    /// bytes.
    pub fn to_bytes_by(&self, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let payload = self.payload();
        let signed = [
            vec![0x84],
            text("Signature1"),
            bytes(&self.protected),
            bytes(&[]),
            bytes(&payload),
        ]
        .concat();
        let signature = self.signature.clone().unwrap_or_else(|| sign(&signed));
        [
            self.head.clone(),
            bytes(&self.protected),
            self.unprotected.clone(),
            bytes(&payload),
            bytes(&signature),
            self.behind.clone(),
        ]
        .concat()
    }
}
