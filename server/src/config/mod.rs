//! The measured configuration: `egress.toml`, `limits.toml`, `compatible.toml` and the trust anchors.

use anyhow::{Context, Result, ensure};
use letsesign_attestation::Measurements;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

mod limits;
#[cfg(test)]
mod tests;

pub(crate) use limits::Limits;

/// Where the image has its configuration.
pub(crate) const FOLDER: &str = "/letsesign/configs";

/// Where the server may connect to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Egress {
    /// The host's context ID.
    pub(crate) cid: u32,
    /// Port of the job API.
    pub(crate) job_api: u32,
    /// Services on the internet, reached with TLS through the host.
    #[serde(default)]
    pub(crate) tls: Vec<Service>,
}

/// One service.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) vsock_port: u32,
    /// File with the certificates that this service's certificate must descend from.
    pub(crate) anchors: String,
}

/// Images before this one whose proofs are good.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Compatible {
    #[serde(default)]
    pub(crate) release: Vec<Release>,
}

/// Measurements of a release, as 96 hexadecimal digits each.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Release {
    pub(crate) name: String,
    pcr0: String,
    pcr1: String,
    pcr2: String,
}

impl Release {
    pub(crate) fn measurements(&self) -> Result<Measurements> {
        let pcr = |name: &str, text: &str| -> Result<[u8; 48]> {
            let mut value = [0; 48];
            hex::decode_to_slice(text, &mut value)
                .ok()
                .with_context(|| format!("{name} of {} is not 96 hexadecimal digits", self.name))?;
            Ok(value)
        };
        Measurements::new(
            pcr("pcr0", &self.pcr0)?,
            pcr("pcr1", &self.pcr1)?,
            pcr("pcr2", &self.pcr2)?,
        )
        .with_context(|| format!("release {} is unusable", self.name))
    }
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) egress: Egress,
    pub(crate) limits: Limits,
    pub(crate) compatible: Compatible,
    /// Trust anchors by file name, as PEM.
    pub(crate) anchors: BTreeMap<String, Vec<u8>>,
}

impl Egress {
    fn check(&self) -> Result<()> {
        let mut ports = vec![self.job_api];
        let mut names = Vec::new();
        for service in &self.tls {
            let name = (service.host.as_str(), service.port);
            let label = |part: &str| {
                (1..=63).contains(&part.len())
                    && part
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            };
            ensure!(
                service.host.len() <= 253
                    && service.host.split('.').all(label)
                    && service.port != 0,
                "{:?}:{} is no host name and port",
                service.host,
                service.port
            );
            ensure!(
                !names.contains(&name),
                "{}:{} is listed twice",
                service.host,
                service.port
            );
            ensure!(
                Path::new(&service.anchors).extension() == Some("pem".as_ref())
                    && !service.anchors.starts_with('.')
                    && !service.anchors.contains('/'),
                "{:?} is no name of a file with anchors",
                service.anchors
            );
            ensure!(
                !ports.contains(&service.vsock_port),
                "vsock-port {} is used twice",
                service.vsock_port
            );
            names.push(name);
            ports.push(service.vsock_port);
        }
        Ok(())
    }
}

fn read<T: for<'a> Deserialize<'a>>(folder: &Path, name: &str) -> Result<T> {
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not acceptable", path.display()))
}

/// Reads all files. Unknown keys are refused: a misspelt limit would be no limit.
pub(crate) fn load(folder: &Path) -> Result<Config> {
    let egress: Egress = read(folder, "egress.toml")?;
    egress.check().context("egress.toml is not acceptable")?;
    let limits: Limits = read(folder, "limits.toml")?;
    limits.check().context("limits.toml is not acceptable")?;
    let compatible: Compatible = read(folder, "compatible.toml")?;
    for release in &compatible.release {
        release
            .measurements()
            .context("compatible.toml is not acceptable")?;
    }
    let mut anchors = BTreeMap::new();
    for service in &egress.tls {
        let path = folder.join(&service.anchors);
        let pem =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        anchors.insert(service.anchors.clone(), pem);
    }
    Ok(Config {
        egress,
        limits,
        compatible,
        anchors,
    })
}
