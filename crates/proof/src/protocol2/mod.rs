//! The proofs of protocol 2 (docs/protocol-2.md, "Proofs"): compact JSON, exactly as written here.
//!
//! Every proof names its protocol and its kind first, so that no proof can be taken for another.

mod decline;
mod poi;
mod por;
pub(crate) mod summary;
mod void;

pub use decline::Decline;
pub use poi::Poi;
pub use por::{PointBytes, Por};
pub use summary::{New, SignerFacts, TaskFacts};
pub use void::Void;

use crate::json::read_object;
use crate::{Error, Hash, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The most bytes of a proof of protocol 2.
pub const BYTES_MAX: usize = 2048;

/// The highest round of a signer.
pub const ROUND_MAX: u32 = 1_000_000;

/// The version in every proof: always 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u8(2)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            2 => Ok(Self),
            _ => Err(D::Error::custom("protocol is not 2")),
        }
    }
}

/// The kind of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Por,
    Poi,
    Decline,
    Void,
}

/// A request to one signer, which a proof is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The task.
    pub binding: Hash,
    /// The signer, from 0 to 999.
    pub signer: u16,
    /// The round, from 1 to 1,000,000. A new round makes the links of earlier rounds void.
    pub round: u32,
}

impl Request {
    /// Whether both numbers are within their limits.
    pub fn is_valid(&self) -> bool {
        self.check("request").is_ok()
    }

    fn check(&self, format: &'static str) -> Result<()> {
        crate::por::check_index(format, self.signer)?;
        if (1..=ROUND_MAX).contains(&self.round) {
            return Ok(());
        }
        Err(Error::Member {
            format,
            member: "round",
            problem: "is not within 1 to 1000000",
        })
    }
}

/// A proof as it is written: protocol and kind before its own members.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    protocol: Version,
    kind: Kind,
    #[serde(flatten)]
    proof: T,
}

/// The members of a proof, and its own rules beside those of its JSON.
trait Proof: Serialize + DeserializeOwned {
    const FORMAT: &'static str;
    const KIND: Kind;

    fn check(&self) -> Result<()>;

    fn write(self) -> Result<Vec<u8>> {
        self.check()?;
        let written = Written {
            protocol: Version,
            kind: Self::KIND,
            proof: self,
        };
        write(Self::FORMAT, &written)
    }

    /// Reads exactly the text that [`write`](Self::write) writes: a proof has one spelling. So
    /// unknown members are refused without being looked for.
    fn read(bytes: &[u8]) -> Result<Self> {
        let written: Written<Self> = read_object(Self::FORMAT, bytes, BYTES_MAX)?;
        if written.kind != Self::KIND {
            return Err(Error::Member {
                format: Self::FORMAT,
                member: "kind",
                problem: "is another proof's",
            });
        }
        written.proof.check()?;
        if write(Self::FORMAT, &written)? != bytes {
            return Err(Error::Json {
                format: Self::FORMAT,
                problem: "not the compact text that the enclave writes".to_owned(),
            });
        }
        Ok(written.proof)
    }
}

fn write<T: Serialize>(format: &'static str, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::Json {
        format,
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
