//! The measured configuration: `egress.toml`, `limits.toml`, `compatible.toml` and the trust
//! anchors.

use anyhow::{Context, Result, ensure};
use letsesign_pcr::{Measurements, Pcr};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

mod limits;
#[cfg(test)]
mod tests;

pub(crate) use limits::Limits;

/// Directory of the configuration in the image.
pub(crate) const FOLDER: &str = "/letsesign/configs";

/// The egress map: all destinations that the server may connect to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Egress {
    /// The host's context ID.
    #[cfg_attr(
        feature = "emulation",
        allow(dead_code, reason = "an emulation has no vsock")
    )]
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

/// Earlier images whose proofs this image accepts.
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
        let pcr = |name: &str, text: &str| {
            Pcr::parse(&text.to_ascii_lowercase())
                .ok()
                .with_context(|| format!("{name} of {} is not 96 hexadecimal digits", self.name))
        };
        Measurements::new(
            pcr("pcr0", &self.pcr0)?,
            pcr("pcr1", &self.pcr1)?,
            pcr("pcr2", &self.pcr2)?,
        )
        .with_context(|| format!("release {} is unusable", self.name))
    }
}

/// The complete configuration.
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
            // Lower case alone: service clients look entries up by exact comparison.
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
                "{:?}:{} is not a host name and port",
                service.host,
                service.port
            );
            ensure!(
                !names.contains(&name),
                "{}:{} is listed twice",
                service.host,
                service.port
            );
            // A plain file name: the anchors must come from the measured folder.
            ensure!(
                Path::new(&service.anchors).extension() == Some("pem".as_ref())
                    && !service.anchors.starts_with('.')
                    && !service.anchors.contains('/'),
                "{:?} is not the name of a file with anchors",
                service.anchors
            );
            // The host routes by vsock port alone, so a port stands for one service.
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

/// Reads all files. Unknown keys are refused: a misspelt limit would silently have no effect.
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
