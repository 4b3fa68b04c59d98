//! The measured map of destinations, `egress.toml`.

use serde::Deserialize;
use std::collections::BTreeSet;

/// Ports of the parent that are not destinations: nitro-cli's heartbeat and the job API.
const HEARTBEAT: u32 = 9000;
const JOB_API: u32 = 9001;
/// VMADDR_PORT_ANY (vsock(7)).
const PORT_ANY: u32 = u32::MAX;
/// Most destinations; ours has four.
const DESTINATIONS: usize = 64;
/// The port where TLS starts at once (RFC 9110, section 4.2.2), so that the ClientHello is checked.
const HTTPS: u16 = 443;

/// Where an enclave may connect to: the contents of `egress.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    /// vsock port of the job API, as the enclave sees it.
    pub job_api: u32,
    /// The destinations.
    pub destinations: Vec<Destination>,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Destination {
    /// Name of the host, in lower case.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The enclave connects to this port of its parent.
    pub vsock_port: u32,
    /// File of the trust anchors, beside `egress.toml`. The relay has no use for it.
    pub anchors: String,
}

impl Destination {
    /// Whether TLS starts at once, so that the ClientHello names the host. With STARTTLS (port 587)
    /// it comes after an exchange in plain text, and the relay forwards without a look.
    pub fn begins_with_tls(&self) -> bool {
        self.port == HTTPS
    }

    /// `host:port`, for logs and metrics.
    pub fn label(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    cid: u32,
    job_api: u32,
    #[serde(default)]
    tls: Vec<Destination>,
}

/// Why an egress map is refused.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Not TOML, an unknown key, or a value of another type.
    #[error("egress.toml is not acceptable: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value that cannot be meant.
    #[error("egress.toml is not acceptable: {0}")]
    Value(String),
}

impl Egress {
    /// Reads the text of `egress.toml`, as strictly as the server in the enclave does.
    ///
    /// # Errors
    /// On unknown keys, on ports or destinations that occur twice, on vsock ports of the heartbeat
    /// or the job API, and on names that are not names of hosts.
    pub fn parse(text: &str) -> Result<Self, EgressError> {
        let file: File = toml::from_str(text)?;
        let refuse = |reason: String| Err(EgressError::Value(reason));
        if file.cid != 3 {
            return refuse(format!("cid is {}; an enclave's parent is 3", file.cid));
        }
        if file.job_api != JOB_API {
            return refuse(format!(
                "job-api is {}; this host serves the job API on {JOB_API}",
                file.job_api
            ));
        }
        if file.tls.len() > DESTINATIONS {
            return refuse(format!("more than {DESTINATIONS} destinations"));
        }
        let (mut ports, mut names) = (BTreeSet::new(), BTreeSet::new());
        for destination in &file.tls {
            let Destination {
                host,
                port,
                vsock_port,
                ..
            } = destination;
            if !is_host(host) || *port == 0 {
                return refuse(format!("{host:?}:{port} is not a host name and port"));
            }
            if [HEARTBEAT, JOB_API, PORT_ANY, 0].contains(vsock_port) {
                return refuse(format!(
                    "vsock-port {vsock_port} of {host} is not for destinations"
                ));
            }
            if !ports.insert(*vsock_port) {
                return refuse(format!("vsock-port {vsock_port} is used twice"));
            }
            if !names.insert((host, *port)) {
                return refuse(format!("{host}:{port} is listed twice"));
            }
        }
        Ok(Self {
            job_api: file.job_api,
            destinations: file.tls,
        })
    }
}

/// Whether a text is the name of a host with a domain, in lower case. An address is none: its last
/// label is a number (WHATWG URL, section 3.5, "ends in a number").
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_label)
        && host
            .rsplit('.')
            .next()
            .is_some_and(|last| last.starts_with(|first: char| first.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../../enclave/configs/egress.toml");

    #[test]
    fn the_images_map_is_read() {
        let egress = Egress::parse(OURS).unwrap();
        assert_eq!(egress.job_api, 9001);
        let found: Vec<_> = egress
            .destinations
            .iter()
            .map(|destination| {
                let begins = destination.begins_with_tls();
                (destination.label(), destination.vsock_port, begins)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("email-smtp.us-east-1.amazonaws.com:587".into(), 9002, false),
                ("kms.us-east-1.amazonaws.com:443".into(), 9003, true),
                ("verify.twilio.com:443".into(), 9004, true),
                ("api.sendgrid.com:443".into(), 9005, true),
            ]
        );
    }

    #[test]
    fn wrong_maps_are_refused_with_the_reason() {
        for (from, to, reason) in [
            ("cid = 3", "cid = 4", "parent is 3"),
            ("cid = 3", "cid = 3\nx = 1", "unknown field"),
            ("cid = 3", "cid = 3\ncid = 3", "duplicate key"),
            ("job-api = 9001", "job-api = 9009", "on 9001"),
            (
                "vsock-port = 9002",
                "vsock-port = 9000",
                "not for destinations",
            ),
            (
                "vsock-port = 9002",
                "vsock-port = 9001",
                "not for destinations",
            ),
            (
                "vsock-port = 9002",
                "vsock-port = 0",
                "not for destinations",
            ),
            (
                "vsock-port = 9002",
                "vsock-port = 4294967295",
                "not for destinations",
            ),
            ("vsock-port = 9002", "vsock-port = 4294967296", "4294967296"),
            (
                "vsock-port = 9002",
                "vsock-port = 9003",
                "9003 is used twice",
            ),
            ("port = 587", "port = 0", "not a host name and port"),
            ("port = 587", "port = 587\nextra = 1", "unknown field"),
            ("verify.twilio.com", "api.sendgrid.com", "listed twice"),
            ("verify.twilio.com", "169.254.169.254", "not a host name"),
            ("verify.twilio.com", "[::1]", "not a host name"),
            ("verify.twilio.com", "localhost", "not a host name"),
            ("verify.twilio.com", "Verify.twilio.com", "not a host name"),
            ("verify.twilio.com", "verify.twilio.com.", "not a host name"),
            ("verify.twilio.com", "a/b.example", "not a host name"),
            ("verify.twilio.com", "-a.example", "not a host name"),
            ("anchors = \"public.pem\"", "", "missing field"),
        ] {
            let text = OURS.replacen(from, to, 1);
            assert_ne!(text, OURS, "{from}");
            let error = Egress::parse(&text).unwrap_err().to_string();
            assert!(error.contains(reason), "{reason}: {error}");
        }
    }

    #[test]
    fn the_number_of_destinations_is_bounded() {
        let destination = |number| {
            format!(
                "[[tls]]\nhost = \"h{number}.example\"\nport = 443\nvsock-port = {}\n\
                 anchors = \"a.pem\"\n",
                10_000 + number
            )
        };
        let parse = |count| {
            let destinations: String = (0..count).map(destination).collect();
            Egress::parse(&format!("cid = 3\njob-api = 9001\n{destinations}"))
        };
        assert_eq!(parse(64).unwrap().destinations.len(), 64);
        let error = parse(65).unwrap_err().to_string();
        assert!(error.contains("more than 64"), "{error}");
    }
}
