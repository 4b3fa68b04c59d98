//! The way from the root to the key that signed (RFC 5280, section 6), without revocation lists: leaf certificates live for three hours.
//! Rule 4.

use crate::cache::{self, Cache};
use crate::certificate::Certificate;
use crate::error::{CertificateProblem as Problem, Error};
use crate::p384::Key;

/// Validates a chain, root first, at a time in milliseconds since 1970. Returns the key of its last certificate.
///
/// The root's own signature is not checked: the caller knows the certificate.
pub(crate) fn leaf_key(chain: &[&[u8]], time: u64, cache: &Cache) -> Result<Key, Error> {
    let count = chain.len();
    let mut issuer: Option<(Certificate<'_>, Key)> = None;
    for (index, der) in chain.iter().enumerate() {
        let place = |subject: String| {
            move |problem| Error::Certificate {
                number: index + 1,
                count,
                subject,
                problem,
            }
        };
        let certificate = Certificate::parse(der).map_err(place("unreadable".to_owned()))?;
        let leaf = index + 1 == count;
        let between = count.saturating_sub(index + 2);
        let issued_by = issuer.as_ref();
        let key = check(&certificate, issued_by, leaf, between, time, cache)
            .map_err(|problem| place(certificate.subject())(problem))?;
        issuer = Some((certificate, key));
    }
    match issuer {
        Some((_, key)) => Ok(key),
        // A document without certificates was refused when it was read.
        None => Err(Error::NoBundle),
    }
}

fn check(
    certificate: &Certificate<'_>,
    issuer: Option<&(Certificate<'_>, Key)>,
    leaf: bool,
    between: usize,
    time: u64,
    cache: &Cache,
) -> Result<Key, Problem> {
    certificate.check_form()?;
    certificate.check_time(time)?;
    certificate.check_algorithm()?;
    let key = certificate.key()?;
    match issuer {
        Some((parent, parent_key)) => {
            if certificate.names().0 != parent.names().1 {
                return Err(Problem::Issuer);
            }
            check_signature(certificate, parent_key, leaf, cache)?;
        }
        None if leaf => return Err(Problem::Alone),
        None => {}
    }
    if leaf {
        certificate.check_leaf()?;
    } else {
        certificate.check_issuer(between)?;
    }
    Ok(key)
}

/// Leaves are not remembered: there is one for each enclave and three hours, and they would drive out what all documents share.
fn check_signature(
    certificate: &Certificate<'_>,
    issuer: &Key,
    leaf: bool,
    cache: &Cache,
) -> Result<(), Problem> {
    let link = cache::link(issuer, certificate.der);
    if !leaf && cache.has(&link) {
        return Ok(());
    }
    if !certificate.signed_by(issuer) {
        return Err(Problem::Signature);
    }
    if !leaf {
        cache.add(link);
    }
    Ok(())
}
