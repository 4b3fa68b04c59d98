//! User data that is bound to a purpose and a version, so that what was attested for one thing is not taken for another. Rule 9.
//!
//! Form: the purpose (ASCII), `/`, the version in decimal digits, a zero byte, then the data.

use subtle::ConstantTimeEq;

/// What user data is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose<'a> {
    /// A name: printable ASCII without `/`.
    pub name: &'a str,
    /// The version of the data's form.
    pub version: u32,
}

impl Purpose<'_> {
    fn head(&self) -> Vec<u8> {
        format!("{}/{}\0", self.name, self.version).into_bytes()
    }

    /// User data for this purpose.
    pub fn bind(&self, data: &[u8]) -> Vec<u8> {
        let mut bound = self.head();
        bound.extend_from_slice(data);
        bound
    }

    /// The data, when it was attested for this purpose and version.
    pub fn data<'d>(&self, user_data: &'d [u8]) -> Option<&'d [u8]> {
        user_data.strip_prefix(self.head().as_slice())
    }

    /// Whether exactly this data was attested for this purpose and version. Takes the same time whatever differs.
    pub fn is(&self, user_data: &[u8], data: &[u8]) -> bool {
        self.bind(data).ct_eq(user_data).into()
    }
}
