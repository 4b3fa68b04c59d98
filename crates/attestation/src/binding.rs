//! User data that is bound to a purpose and a version, so that data attested for one purpose does
//! not pass for another (rule 9).
//!
//! Form: the purpose (ASCII), `/`, the version in decimal digits, a zero byte, then the data.

use subtle::ConstantTimeEq;

/// The purpose that user data is attested for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose<'a> {
    /// A name: printable ASCII without `/`.
    pub name: &'a str,
    /// The version of the data's format.
    pub version: u32,
}

impl Purpose<'_> {
    fn head(&self) -> Vec<u8> {
        format!("{}/{}\0", self.name, self.version).into_bytes()
    }

    /// Makes the user data that a document for this purpose attests.
    pub fn bind(&self, data: &[u8]) -> Vec<u8> {
        let mut bound = self.head();
        bound.extend_from_slice(data);
        bound
    }

    /// The data, if it was attested for this purpose and version; `None` otherwise.
    pub fn data<'d>(&self, user_data: &'d [u8]) -> Option<&'d [u8]> {
        user_data.strip_prefix(self.head().as_slice())
    }

    /// Whether exactly this data was attested for this purpose and version. The comparison takes
    /// the same time wherever the two differ.
    pub fn is(&self, user_data: &[u8], data: &[u8]) -> bool {
        self.bind(data).ct_eq(user_data).into()
    }
}
