//! Path validation from the root to the key that signed the document (RFC 5280, section 6), without
//! revocation lists: leaf certificates live for three hours. Rule 4.

use crate::cache::{self, Cache};
use crate::certificate::Certificate;
use crate::error::{CertificateProblem as Problem, Error};
use crate::p384::Key;

/// Validates a chain, root first, at a time in milliseconds since 1970. Returns the key of the last
/// certificate.
///
/// The root's own signature is not checked: the caller has already compared the certificate with
/// the pinned one.
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
        // Unreachable: the parser refuses a document without certificates.
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
    // The cheap checks come first: a signature costs far more than all others together.
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
        // A root that signs documents would make its key a signing key of enclaves.
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

/// Verifies one signature, from the cache where possible. Leaves are not cached: every enclave gets
/// a new one every three hours, and they would evict the links that all documents share.
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
