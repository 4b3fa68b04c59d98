//! Rules that TOML's types cannot express.

use super::{Attestation, Config, Engine, Launcher, Problem, Service};
use std::path::Path;

/// All problems of a configuration.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    if !config.state.is_absolute() {
        found.add(
            "state",
            "must be an absolute path: the host is started from anywhere",
        );
    }
    if let Some(name) = &config.name
        && !is_name(name)
    {
        found.add(
            "name",
            "must have 1 to 64 letters, digits, dots, hyphens or underscores",
        );
    }
    enclave(config, &mut found);
    queue(config, &mut found);
    relay(config, &mut found);
    if let Some(service) = &config.service {
        check_service(service, config.is_emulation(), &mut found);
    }
    found.0
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, key: &str, text: impl Into<String>) {
        self.0.push(Problem {
            key: key.to_owned(),
            text: text.into(),
        });
    }

    fn file(&mut self, key: &str, path: &Path) {
        match path.metadata() {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => self.add(key, format!("{} is not a file", path.display())),
            Err(error) => self.add(key, format!("{}: {error}", path.display())),
        }
    }
}

fn check_service(service: &Service, emulation: bool, found: &mut Found) {
    let url = service.public_url.as_str();
    let scheme = url.starts_with("https://") || (emulation && url.starts_with("http://"));
    let host = url.split_once("://").map_or("", |(_, host)| host);
    if !scheme || host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        found.add(
            "service.public-url",
            "must be https://HOST, without a path and a slash at its end",
        );
    }
    for (key, value) in [
        ("service.rate.address", service.rate.address),
        ("service.rate.key", service.rate.key),
        ("service.rate.registrations", service.rate.registrations),
        (
            "service.rate.all-registrations",
            service.rate.all_registrations,
        ),
    ] {
        if value == 0 {
            found.add(key, "is 0; it must be 1 or more");
        }
    }
    let aws = &service.aws;
    if aws.access_key_id.is_some() != aws.secret_access_key_file.is_some() {
        found.add(
            "service.aws",
            "needs both access-key-id and secret-access-key-file, or neither",
        );
    }
    if let Some(path) = &aws.secret_access_key_file {
        found.file("service.aws.secret-access-key-file", path);
    }
}

fn enclave(config: &Config, found: &mut Found) {
    let enclave = &config.enclave;
    found.file("enclave.image", &enclave.image);
    if enclave.accept.is_empty() {
        found.add(
            "enclave.accept",
            "names no release; list the NAME.json of measurements/ that this host may run",
        );
    }
    for path in &enclave.accept {
        found.file("enclave.accept", path);
    }
    for (key, value, range) in [
        ("enclave.count", enclave.count, 1..=32),
        ("enclave.cpus", enclave.cpus, 1..=64),
        ("enclave.memory-mib", enclave.memory_mib, 64..=1 << 20),
        // 0 to 3 have meanings of their own; 64 from there on are used.
        ("enclave.first-cid", enclave.first_cid, 4..=u32::MAX - 64),
    ] {
        if !range.contains(&value) {
            found.add(
                key,
                format!(
                    "is {value}; it must be {} to {}",
                    range.start(),
                    range.end()
                ),
            );
        }
    }
    if enclave.launcher == Launcher::Nitro {
        if enclave.attestation != Attestation::Aws {
            found.add(
                "enclave.attestation",
                "must be \"aws\" with the launcher \"nitro\": anything else proves nothing",
            );
        }
        if !config.relay.overrides.is_empty() {
            found.add(
                "relay.overrides",
                "is for emulation; remove it with the launcher \"nitro\"",
            );
        }
    }
    if (enclave.attestation == Attestation::TestRoot) != enclave.attestation_root.is_some() {
        found.add(
            "enclave.attestation-root",
            "belongs to attestation = \"test-root\", which needs it",
        );
    }
    if let Some(root) = &enclave.attestation_root {
        found.file("enclave.attestation-root", root);
    }
    match (enclave.launcher, &enclave.qemu, &enclave.program) {
        (Launcher::Qemu, None, _) => found.add(
            "enclave.qemu",
            "is missing; `cargo xtask emulator --json` prints what belongs there",
        ),
        (Launcher::Qemu, Some(qemu), _) => {
            found.file("enclave.qemu.qemu", &qemu.qemu);
            found.file("enclave.qemu.vsock", &qemu.vsock);
        }
        (Launcher::Program, _, None) => {
            found.add(
                "enclave.program",
                "is missing; host/host.toml shows what belongs there",
            );
        }
        (Launcher::Program, _, Some(program)) => {
            found.file("enclave.program.measurements", &program.measurements);
            if !program.configs.is_dir() {
                let text = format!("{} is not a folder", program.configs.display());
                found.add("enclave.program.configs", text);
            }
        }
        (Launcher::Nitro, ..) => {}
    }
}

fn queue(config: &Config, found: &mut Found) {
    let queue = &config.queue;
    match (queue.engine, &queue.url) {
        (Engine::Postgres, None) => found.add(
            "queue.url",
            "is missing; set LETSESIGN_HOST_QUEUE__URL to postgresql://USER@HOST/DATABASE",
        ),
        (Engine::Sqlite, Some(_)) => {
            found.add(
                "queue.url",
                "belongs to engine = \"postgres\"; remove it or set the engine",
            );
        }
        (Engine::Postgres, Some(url))
            if !["postgres://", "postgresql://"]
                .iter()
                .any(|scheme| url.starts_with(scheme)) =>
        {
            // The text of it may hold a password.
            found.add("queue.url", "is not a URL postgresql://USER@HOST/DATABASE");
        }
        _ => {}
    }
    if queue.engine == Engine::Postgres {
        if queue.s3.is_none() {
            found.add(
                "queue.s3",
                "is missing: hosts that share a database must share the payloads, too",
            );
        }
        if queue.keys.is_empty() {
            found.add(
                "queue.keys",
                "is missing: hosts that share a database must have the same keys",
            );
        }
    }
    for key in &queue.keys {
        found.file("queue.keys", key);
    }
    if let Some(s3) = &queue.s3 {
        let is_http = s3
            .endpoint
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://"));
        if is_http && !s3.allow_http {
            found.add(
                "queue.s3.endpoint",
                "must begin with https:// unless allow-http is set",
            );
        }
        if s3.bucket.is_empty() {
            found.add("queue.s3.bucket", "is empty");
        }
    }
    if queue.keep_days == Some(0) {
        found.add("queue.keep-days", "must be 1 or more");
    }
    let quotas = [("queue.quota".to_owned(), &queue.quota)].into_iter();
    let senders = config
        .sender
        .iter()
        .map(|(name, quota)| (format!("sender.{name}"), quota));
    for (key, quota) in quotas.chain(senders) {
        if quota
            .weight
            .is_some_and(|weight| !(1..=1000).contains(&weight))
        {
            found.add(&format!("{key}.weight"), "must be 1 to 1000");
        }
        if quota.jobs == Some(0) {
            found.add(
                &format!("{key}.jobs"),
                "must be 1 or more: a sender without jobs is none",
            );
        }
    }
}

fn relay(config: &Config, found: &mut Found) {
    for (host, addresses) in &config.relay.allow {
        if addresses.is_empty() {
            found.add(&format!("relay.allow.{host}"), "names no address");
        }
    }
    for (key, value) in [
        ("relay.connections", config.relay.connections),
        (
            "relay.connections-per-port",
            config.relay.connections_per_port,
        ),
    ] {
        if value.is_some_and(|value| !(1..=65536).contains(&value)) {
            found.add(key, "must be 1 to 65536");
        }
    }
    for (key, value) in [
        ("relay.connect-seconds", config.relay.connect_seconds),
        ("relay.idle-seconds", config.relay.idle_seconds),
    ] {
        if value.is_some_and(|value| !(1..=86400).contains(&value)) {
            found.add(key, "must be 1 to 86400");
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}
