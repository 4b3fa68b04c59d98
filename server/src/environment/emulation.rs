//! The environment variables of a test: where the host is, whom to trust, where the NSM listens. No
//! measured build has this module.
//!
//! | variable | meaning |
//! |---|---|
//! | `LETSESIGN_JOB_API` | base URL of the job API, `http://ADDRESS:PORT`; names are not resolved (`localhost` is 127.0.0.1) |
//! | `LETSESIGN_HOST_OVERRIDES` | `host:port=address:port,...`: other TCP targets for services; TLS names stay |
//! | `LETSESIGN_TLS_EXTRA_ROOTS` | certificates (PEM file) that TLS trusts besides the usual ones |
//! | `LETSESIGN_ATTESTATION_ROOT` | certificate (PEM file) that attestation documents are checked against |
//! | `LETSESIGN_NSM_SOCKET` | unix socket of an emulated NSM |
//! | `LETSESIGN_CONFIGS` | folder of the configuration, instead of the image's or, where there is none, this tree's |
//! | `LETSESIGN_FONTS` | folder of the fonts, likewise |

use super::Environment;
use crate::config::{self, Egress, Service};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_attestation::Root;
use letsesign_mail::Scheme;
use letsesign_net::{Dialer, Tcp};
use letsesign_nsm::Nsm;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{name} is unusable")),
    }
}

/// A folder that a variable names, or the image's, or this tree's.
fn folder(name: &str, image: &str, tree: &str) -> Result<PathBuf> {
    if let Some(path) = variable(name)? {
        return Ok(path.into());
    }
    let image = PathBuf::from(image);
    if image.is_dir() {
        return Ok(image);
    }
    // Right where the program was built, which is where tests run.
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join(tree))
}

/// Reads the environment.
pub(crate) fn read() -> Result<(Environment<Tcp>, Nsm)> {
    tracing::warn!("EMULATION: this build is for tests; it protects nothing");
    let config = config::load(&folder(
        "LETSESIGN_CONFIGS",
        config::FOLDER,
        "../enclave/configs",
    )?)?;
    let url = variable("LETSESIGN_JOB_API")?
        .context("LETSESIGN_JOB_API must name the job API: http://ADDRESS:PORT")?;
    let job_api =
        Tcp(job_api(&url).with_context(|| format!("LETSESIGN_JOB_API={url} is unusable"))?);
    let mut targets = Vec::new();
    if let Some(text) = variable("LETSESIGN_HOST_OVERRIDES")? {
        let list =
            overrides(&text, &config.egress).context("LETSESIGN_HOST_OVERRIDES is unusable")?;
        targets.extend(list.into_iter().map(|(host, to)| (host.to_owned(), to)));
    }
    let extra_anchors = match variable("LETSESIGN_TLS_EXTRA_ROOTS")? {
        Some(path) => {
            let named = || format!("LETSESIGN_TLS_EXTRA_ROOTS={path} is unusable");
            // Parse the file now, so that an error names the variable.
            certificates(Path::new(&path)).with_context(named)?;
            Some(std::fs::read(&path).with_context(named)?)
        }
        None => None,
    };
    let root = match variable("LETSESIGN_ATTESTATION_ROOT")? {
        Some(path) => attestation_root(Path::new(&path))
            .with_context(|| format!("LETSESIGN_ATTESTATION_ROOT={path} is unusable"))?,
        None => Root::aws(),
    };
    let nsm = match variable("LETSESIGN_NSM_SOCKET")? {
        Some(path) => Nsm::emulated(path),
        None => Nsm::open().context(
            "LETSESIGN_NSM_SOCKET is not set to an emulated NSM, and /dev/nsm cannot be opened",
        )?,
    };
    let environment = Environment {
        config,
        job_api,
        dial: Box::new(move |service: &Service| dial(service, &targets)),
        extra_anchors,
        root,
        fonts: folder(
            "LETSESIGN_FONTS",
            "/letsesign/fonts",
            "../enclave/packages/fonts",
        )?,
        links: Scheme::HttpsOrLocalhost,
    };
    Ok((environment, nsm))
}

/// The other target of a service. Without one it cannot be reached: a test that forgets one must
/// not reach the real service.
fn dial(service: &Service, targets: &[(String, SocketAddr)]) -> Dialer {
    let target = targets
        .iter()
        .find(|(host, _)| *host == service.host)
        .map_or((Ipv4Addr::LOCALHOST, 0).into(), |(_, target)| *target);
    Dialer::new(Tcp(target))
}

fn attestation_root(path: &Path) -> Result<Root> {
    let list = certificates(path)?;
    let [certificate] = list.as_slice() else {
        bail!("it holds {} certificates instead of one", list.len());
    };
    Ok(Root::for_tests(certificate)?)
}

fn address(text: &str) -> Result<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Ok((
            Ipv4Addr::LOCALHOST,
            port.parse().context("no port after localhost:")?,
        )
            .into());
    }
    text.parse()
        .with_context(|| format!("{text} is not ADDRESS:PORT; names are not resolved"))
}

fn job_api(url: &str) -> Result<SocketAddr> {
    let rest = url
        .strip_prefix("http://")
        .context("it must begin with http://")?;
    address(rest.strip_suffix('/').unwrap_or(rest))
}

/// Pairs of a service of the egress map and where to go instead.
fn overrides<'a>(text: &str, egress: &'a Egress) -> Result<Vec<(&'a str, SocketAddr)>> {
    let mut list: Vec<(&str, SocketAddr)> = Vec::new();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let (name, target) = pair
            .split_once('=')
            .with_context(|| format!("{pair} is not host:port=address:port"))?;
        let known = egress
            .tls
            .iter()
            .find(|service| format!("{}:{}", service.host, service.port) == name);
        let known = known.with_context(|| format!("{name} is not in egress.toml"))?;
        if list.iter().any(|(host, _)| *host == known.host) {
            bail!("{name} is given twice");
        }
        list.push((&known.host, address(target)?));
    }
    Ok(list)
}

/// The certificates of a PEM file (RFC 7468), each as DER that is at least one whole SEQUENCE.
fn certificates(path: &Path) -> Result<Vec<Vec<u8>>> {
    let text = std::fs::read_to_string(path).context("cannot read it")?;
    let mut list = Vec::new();
    let mut body: Option<String> = None;
    for line in text.lines().map(str::trim) {
        match (line, &mut body) {
            ("-----BEGIN CERTIFICATE-----", None) => body = Some(String::new()),
            ("-----END CERTIFICATE-----", Some(_)) => {
                let der = BASE64_STANDARD
                    .decode(body.take().unwrap_or_default())
                    .context("a certificate is not base64")?;
                ensure!(is_sequence(&der), "a certificate is not DER");
                list.push(der);
            }
            (line, _) if line.starts_with("-----") => bail!("{line} is out of place"),
            (line, Some(body)) => body.push_str(line),
            _ => {}
        }
    }
    ensure!(body.is_none(), "the last certificate has no end");
    ensure!(!list.is_empty(), "it holds no certificate (PEM)");
    Ok(list)
}

/// Whether the bytes are one DER SEQUENCE with a two- or three-byte length, as every certificate
/// is.
fn is_sequence(der: &[u8]) -> bool {
    match der {
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        [0x30, 0x81, length, rest @ ..] => rest.len() == usize::from(*length),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_never_looked_up() {
        assert_eq!(
            job_api("http://localhost:80/").unwrap(),
            "127.0.0.1:80".parse().unwrap()
        );
        assert_eq!(
            job_api("http://[::1]:80").unwrap(),
            "[::1]:80".parse().unwrap()
        );
        for url in [
            "https://127.0.0.1:80",
            "http://host.example:80",
            "http://127.0.0.1",
            "http://127.0.0.1:80/api",
        ] {
            assert!(job_api(url).is_err(), "{url}");
        }
    }

    #[test]
    fn overrides_name_known_services() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../enclave/configs");
        let egress = config::load(folder.as_ref()).unwrap().egress;
        let good = "kms.us-east-1.amazonaws.com:443=127.0.0.1:1,api.sendgrid.com:443=127.0.0.1:2";
        assert_eq!(overrides(good, &egress).unwrap().len(), 2);
        for (text, words) in [
            (
                "kms.us-east-1.amazonaws.com=127.0.0.1:1",
                "is not in egress.toml",
            ),
            (
                "kms.us-east-1.amazonaws.com:443",
                "is not host:port=address:port",
            ),
            (
                "kms.us-east-1.amazonaws.com:443=name:1",
                "names are not resolved",
            ),
            (
                "api.sendgrid.com:443=127.0.0.1:2,api.sendgrid.com:443=127.0.0.1:2",
                "is given twice",
            ),
        ] {
            let error = format!("{:#}", overrides(text, &egress).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn certificates_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.pem");
        let pem = |der: &[u8]| {
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                BASE64_STANDARD.encode(der)
            )
        };
        for (text, expected) in [
            (pem(&[0x30, 0x81, 1, 7]), "1"),
            (pem(&[0x30, 0x81, 1, 7]).repeat(2), "2"),
            (pem(&[0x30, 0x81, 2, 7]), "is not DER"),
            (String::new(), "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAA==\n".into(), "has no end"),
            ("-----BEGIN PRIVATE KEY-----\n".into(), "out of place"),
        ] {
            std::fs::write(&path, text).unwrap();
            let found = certificates(&path)
                .map_or_else(|e| format!("{e:#}"), |list| list.len().to_string());
            assert!(found.contains(expected), "{found}");
        }
        assert!(certificates(&folder.path().join("none")).is_err());
    }
}
