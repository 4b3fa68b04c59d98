//! The signature algorithms: ECDSA over the three curves of NIST that COSE has names for, each with
//! its own digest.
//!
//! Source: RFC 9053, section 2.1, and its registry. RFC 9053 leaves curve and algorithm
//! independent; AWS's signer (`aws-nitro-enclaves-cose`) and this crate take the algorithm from the
//! key's curve.

use std::fmt;

/// A COSE algorithm, and with it the curve of the key and the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// P-256 with SHA-256.
    Es256,
    /// P-384 with SHA-384: the one of nitro-cli's documentation.
    Es384,
    /// P-521 with SHA-512.
    Es512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512];

    /// The number in COSE's registry: -7, -35 or -36.
    pub fn number(self) -> i64 {
        match self {
            Algorithm::Es256 => -7,
            Algorithm::Es384 => -35,
            Algorithm::Es512 => -36,
        }
    }

    /// The name in COSE's registry, such as `ES384`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::Es512 => "ES512",
        }
    }

    /// The curve of its keys, such as `P-384`.
    pub fn curve(self) -> &'static str {
        match self {
            Algorithm::Es256 => "P-256",
            Algorithm::Es384 => "P-384",
            Algorithm::Es512 => "P-521",
        }
    }

    /// The digest over what is signed, such as `SHA-384`.
    pub fn digest(self) -> &'static str {
        match self {
            Algorithm::Es256 => "SHA-256",
            Algorithm::Es384 => "SHA-384",
            Algorithm::Es512 => "SHA-512",
        }
    }

    /// Bytes of a signature: r and s, each as long as the curve's order, so 64, 96 or 132.
    pub fn signature_size(self) -> usize {
        match self {
            Algorithm::Es256 => 64,
            Algorithm::Es384 => 96,
            Algorithm::Es512 => 132,
        }
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.number() == number)
    }
}

/// Name, curve and digest: `ES384 (P-384 with SHA-384)`.
impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({} with {})",
            self.name(),
            self.curve(),
            self.digest()
        )
    }
}

/// Curves that are refused by name.
pub(super) const SUPPORTED: &str = "P-256, P-384 and P-521 are supported (ES256, ES384, ES512)";

/// Makes key types with one case for each curve: the three crates have the same interface.
macro_rules! curves {
    ($($case:ident $curve:ident),*) => {
        /// A public key, which verifies signatures of its curve's algorithm.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(super) enum PublicKey {
            $($case($curve::ecdsa::VerifyingKey),)*
        }

        /// A private key.
        pub(super) enum PrivateKey {
            $($case($curve::ecdsa::SigningKey),)*
        }

        impl PublicKey {
            /// From DER of a `SubjectPublicKeyInfo`; `None` for other curves, other kinds of key
            /// and points that are not on the curve.
            pub(super) fn from_spki(der: &[u8]) -> Option<Self> {
                $(
                    if let Ok(key) = <$curve::ecdsa::VerifyingKey as
                        $curve::pkcs8::DecodePublicKey>::from_public_key_der(der)
                    {
                        return Some(PublicKey::$case(key));
                    }
                )*
                None
            }

            pub(super) fn algorithm(&self) -> Algorithm {
                match self {
                    $(PublicKey::$case(_) => Algorithm::$case,)*
                }
            }

            /// Whether r and s of the right length are a signature over a message. High and low
            /// values of s are both accepted: COSE does not demand the low one.
            pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
                match self {
                    $(PublicKey::$case(key) => {
                        $curve::ecdsa::Signature::from_slice(signature).is_ok_and(|signature| {
                            $curve::ecdsa::signature::Verifier::verify(key, message, &signature)
                                .is_ok()
                        })
                    })*
                }
            }

            /// A signature of this key's curve as r and s, from these or from DER.
            pub(super) fn parse_signature(&self, bytes: &[u8]) -> Option<Vec<u8>> {
                match self {
                    $(PublicKey::$case(_) => {
                        let signature = if bytes.len() == self.algorithm().signature_size() {
                            $curve::ecdsa::Signature::from_slice(bytes).ok()?
                        } else {
                            $curve::ecdsa::Signature::from_der(bytes).ok()?
                        };
                        Some(signature.to_bytes().to_vec())
                    })*
                }
            }
        }

        impl PrivateKey {
            pub(super) fn from_pkcs8_pem(pem: &str) -> Option<Self> {
                $(
                    if let Ok(key) =
                        <$curve::SecretKey as $curve::pkcs8::DecodePrivateKey>::from_pkcs8_pem(pem)
                    {
                        return Some(PrivateKey::$case(key.into()));
                    }
                )*
                None
            }

            pub(super) fn from_sec1_pem(pem: &str) -> Option<Self> {
                $(
                    if let Ok(key) = $curve::SecretKey::from_sec1_pem(pem) {
                        return Some(PrivateKey::$case(key.into()));
                    }
                )*
                None
            }

            pub(super) fn algorithm(&self) -> Algorithm {
                match self {
                    $(PrivateKey::$case(_) => Algorithm::$case,)*
                }
            }

            /// Signs with the nonce of RFC 6979; gives r and s.
            pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
                match self {
                    $(PrivateKey::$case(key) => {
                        let signature: $curve::ecdsa::Signature =
                            $curve::ecdsa::signature::Signer::sign(key, message);
                        signature.to_bytes().to_vec()
                    })*
                }
            }
        }
    };
}

curves!(Es256 p256, Es384 p384, Es512 p521);
