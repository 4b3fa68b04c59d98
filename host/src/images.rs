//! Images of this host's configuration.

use crate::config::{Config, Launcher};
use crate::relay::{Configs, Egress};
use crate::supervisor::{Image, Images};
use letsesign_measurements::Release;
use letsesign_pcr::{Measurements, Pcr};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The reader of a configuration's images.
///
/// # Errors
/// A text that names the file of measurements that cannot be used.
pub fn of(config: &Config) -> Result<Box<dyn Images>, String> {
    let accepted = config.enclave.accept.iter().map(|path| measurements(path));
    let accepted = accepted.collect::<Result<Vec<_>, _>>()?;
    match (config.enclave.launcher, &config.enclave.program) {
        (Launcher::Program, Some(program)) => {
            let own = measurements(&program.measurements)?;
            if !accepted.contains(&own) {
                return Err(format!(
                    "{} is not among enclave.accept",
                    program.measurements.display()
                ));
            }
            Ok(Box::new(Programs {
                configs: program.configs.clone(),
                measurements: own,
            }))
        }
        _ => Ok(Box::new(Eifs { accepted })),
    }
}

/// PCR0..2 in a file `NAME.json` of measurements/.
fn measurements(path: &Path) -> Result<Measurements, String> {
    let wrong = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let bytes = fs::read(path).map_err(|error| wrong(&error))?;
    let name = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let release = Release::parse(name, &bytes).map_err(|error| wrong(&error))?;
    Ok(release.pcrs)
}

/// Enclave images.
struct Eifs {
    accepted: Vec<Measurements>,
}

impl Images for Eifs {
    fn load(&self, path: &Path) -> Result<Image, String> {
        let configs = Configs::from_eif(path, &self.accepted).map_err(|error| error.to_string())?;
        let compatible = compatible(&configs.compatible)
            .map_err(|problem| format!("compatible.toml of {}: {problem}", path.display()))?;
        Ok(image(
            path,
            configs.measurements,
            configs.egress,
            compatible,
        ))
    }
}

/// `compatible.toml`: earlier releases whose tasks an image finishes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compatible {
    #[serde(default)]
    release: Vec<Earlier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Earlier {
    name: String,
    pcr0: String,
    pcr1: String,
    pcr2: String,
}

/// Reads `compatible.toml` as the server does.
fn compatible(text: &str) -> Result<Vec<Measurements>, String> {
    let read: Compatible = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let measured = read.release.iter().map(|release| {
        let pcr = |text: &str| Pcr::parse(&text.to_ascii_lowercase());
        let wrong = |error: &dyn std::fmt::Display| format!("release {}: {error}", release.name);
        let [pcr0, pcr1, pcr2] =
            [&release.pcr0, &release.pcr1, &release.pcr2].map(|text| pcr(text));
        let pcr0 = pcr0.map_err(|error| wrong(&error))?;
        let pcr1 = pcr1.map_err(|error| wrong(&error))?;
        let pcr2 = pcr2.map_err(|error| wrong(&error))?;
        Measurements::new(pcr0, pcr1, pcr2).map_err(|error| wrong(&error))
    });
    measured.collect()
}

/// The emulated server: a program, and a folder of configuration beside it.
struct Programs {
    configs: PathBuf,
    measurements: Measurements,
}

impl Images for Programs {
    fn load(&self, path: &Path) -> Result<Image, String> {
        let file = self.configs.join("egress.toml");
        let text = fs::read_to_string(&file);
        let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
        let egress =
            Egress::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let file = self.configs.join("compatible.toml");
        let text = fs::read_to_string(&file);
        let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
        let compatible =
            compatible(&text).map_err(|problem| format!("{}: {problem}", file.display()))?;
        Ok(image(path, self.measurements, egress, compatible))
    }
}

fn image(
    path: &Path,
    measurements: Measurements,
    egress: Egress,
    compatible: Vec<Measurements>,
) -> Image {
    let services = egress.destinations.iter();
    let services: BTreeMap<u32, String> =
        services.map(|one| (one.vsock_port, one.label())).collect();
    Image {
        path: path.to_owned(),
        measurements,
        job_api: egress.job_api,
        egress,
        services,
        compatible,
    }
}
