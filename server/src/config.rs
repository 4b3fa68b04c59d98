//! The measured configuration: `egress.toml` and `limits.toml`.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

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
}

/// Numbers that bound what the server does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) workers_max: usize,
    pub(crate) job_bytes: usize,
    poll_ms: u32,
    poll_most_ms: u32,
    connect_ms: u32,
    head_ms: u32,
    idle_ms: u32,
    exchange_ms: u32,
    delivery_ms: u32,
    retry_first_ms: u32,
    retry_most_ms: u32,
    nsm_ms: u32,
    grace_ms: u32,
}

fn ms(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

impl Limits {
    pub(crate) fn timing(&self) -> letsesign_job::Timing {
        letsesign_job::Timing {
            connect: ms(self.connect_ms),
            head: ms(self.head_ms),
            idle: ms(self.idle_ms),
            exchange: ms(self.exchange_ms),
            delivery: ms(self.delivery_ms),
            retry_first: ms(self.retry_first_ms),
            retry_most: ms(self.retry_most_ms),
            body_bytes: self.job_bytes,
        }
    }

    pub(crate) fn poll(&self) -> Duration {
        ms(self.poll_ms)
    }

    pub(crate) fn poll_most(&self) -> Duration {
        ms(self.poll_most_ms)
    }

    pub(crate) fn nsm(&self) -> Duration {
        ms(self.nsm_ms)
    }

    pub(crate) fn grace(&self) -> Duration {
        ms(self.grace_ms)
    }

    fn check(&self) -> Result<()> {
        ensure!(
            (1..=1024).contains(&self.workers_max),
            "workers-max must be 1 to 1024"
        );
        ensure!(
            (1..=1 << 30).contains(&self.job_bytes),
            "job-bytes must be 1 to 1073741824"
        );
        for (name, number) in [
            ("poll-ms", self.poll_ms),
            ("poll-most-ms", self.poll_most_ms),
            ("connect-ms", self.connect_ms),
            ("head-ms", self.head_ms),
            ("idle-ms", self.idle_ms),
            ("exchange-ms", self.exchange_ms),
            ("delivery-ms", self.delivery_ms),
            ("retry-first-ms", self.retry_first_ms),
            ("retry-most-ms", self.retry_most_ms),
            ("nsm-ms", self.nsm_ms),
            ("grace-ms", self.grace_ms),
        ] {
            ensure!(
                (1..=3_600_000).contains(&number),
                "{name} must be 1 to 3600000"
            );
        }
        Ok(())
    }
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

/// Reads both files. Unknown keys are refused: a misspelt limit would be no limit.
pub(crate) fn load(folder: &Path) -> Result<(Egress, Limits)> {
    let egress: Egress = read(folder, "egress.toml")?;
    egress.check().context("egress.toml is not acceptable")?;
    let limits: Limits = read(folder, "limits.toml")?;
    limits.check().context("limits.toml is not acceptable")?;
    Ok((egress, limits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../enclave/configs");

    fn with(name: &str, from: &str, to: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        for file in ["egress.toml", "limits.toml"] {
            let mut text = std::fs::read_to_string(Path::new(FILES).join(file)).unwrap();
            if file == name {
                assert!(text.contains(from), "{from}");
                text = text.replace(from, to);
            }
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        load(folder.path()).map_or_else(|error| format!("{error:#}"), |_| String::new())
    }

    #[test]
    fn the_measured_files_are_accepted_and_say_what_the_protocol_says() {
        let (egress, limits) = load(Path::new(FILES)).unwrap();
        assert_eq!((egress.cid, egress.job_api), (3, 9001));
        let ports: Vec<_> = egress
            .tls
            .iter()
            .map(|s| (s.host.as_str(), s.port, s.vsock_port))
            .collect();
        assert_eq!(
            ports,
            [
                ("email-smtp.us-east-1.amazonaws.com", 587, 9002),
                ("kms.us-east-1.amazonaws.com", 443, 9003),
                ("verify.twilio.com", 443, 9004),
                ("api.sendgrid.com", 443, 9005)
            ]
        );
        assert_eq!(limits.job_bytes, 50 << 20);
        assert_eq!(limits.poll(), Duration::from_millis(100));
        assert_eq!(limits.poll_most(), Duration::from_secs(1));
    }

    #[test]
    fn mistakes_are_named() {
        for (file, from, to, words) in [
            ("limits.toml", "poll-ms", "pol-ms", "unknown field `pol-ms`"),
            (
                "limits.toml",
                "grace-ms = 20000",
                "",
                "missing field `grace-ms`",
            ),
            (
                "limits.toml",
                "workers-max = 16",
                "workers-max = 0",
                "workers-max must be 1 to 1024",
            ),
            (
                "limits.toml",
                "nsm-ms = 10000",
                "nsm-ms = 0",
                "nsm-ms must be",
            ),
            (
                "limits.toml",
                "nsm-ms = 10000",
                "nsm-ms = -1",
                "limits.toml is not acceptable",
            ),
            (
                "egress.toml",
                "cid = 3",
                "cid = 3\ncid = 4",
                "duplicate key",
            ),
            (
                "egress.toml",
                "cid = 3",
                "cid = 3\nproxy = 1",
                "unknown field `proxy`",
            ),
            (
                "egress.toml",
                "vsock-port = 9003",
                "vsock-port = 9002",
                "vsock-port 9002 is used twice",
            ),
            (
                "egress.toml",
                "vsock-port = 9003",
                "vsock-port = 9001",
                "vsock-port 9001 is used twice",
            ),
            (
                "egress.toml",
                "verify.twilio.com",
                "kms.us-east-1.amazonaws.com",
                "is listed twice",
            ),
            (
                "egress.toml",
                "verify.twilio.com",
                "Verify twilio",
                "is no host name",
            ),
        ] {
            let error = with(file, from, to);
            assert!(error.contains(words), "expected {words:?} in {error:?}");
        }
        assert!(
            format!("{:#}", load(Path::new("/nonexistent")).unwrap_err())
                .contains("/nonexistent/egress.toml")
        );
    }
}
