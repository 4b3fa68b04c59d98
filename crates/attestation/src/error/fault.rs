//! Errors on their way out of a part.

use super::{Error, Place};
use letsesign_cbor::Problem;

/// The error of a part, which does not know yet which part it is.
pub(crate) enum Fault {
    Cbor(letsesign_cbor::Error),
    Rule(Error),
}

impl From<letsesign_cbor::Error> for Fault {
    fn from(error: letsesign_cbor::Error) -> Self {
        Self::Cbor(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Rule(error)
    }
}

impl Fault {
    pub(crate) fn at(self, place: Place) -> Error {
        match self {
            Self::Rule(error) => error,
            Self::Cbor(letsesign_cbor::Error {
                offset,
                problem: Problem::Trailing,
            }) => Error::Trailing { place, offset },
            Self::Cbor(letsesign_cbor::Error { offset, problem }) => Error::Cbor {
                place,
                offset,
                problem,
            },
        }
    }
}
