//! Looks for a user's credentials where podman and Docker leave them.

use super::auth_file::{AuthFile, Credentials, Entry};
use crate::error::{Error, Result};
use crate::reference::RegistryName;
use serde::Deserialize;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The largest file of credentials, and the longest answer of a helper.
const MAX: u64 = 1 << 20;
/// Docker Hub's key in helpers.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// How long a helper may take.
const HELPER_TIME: Duration = Duration::from_secs(10);

fn files() -> Vec<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let below = |name, rest: &str| variable(name).map(|base| PathBuf::from(base).join(rest));
    // A file that was named is the only one, as in skopeo.
    if let Some(file) = variable("REGISTRY_AUTH_FILE") {
        return vec![file.into()];
    }
    [
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("XDG_CONFIG_HOME", "containers/auth.json"),
        below("HOME", ".config/containers/auth.json"),
        below("DOCKER_CONFIG", "config.json").or_else(|| below("HOME", ".docker/config.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first credentials that are there.
pub(super) fn find(name: &RegistryName) -> Result<Option<Credentials>> {
    for path in files() {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::file("open", &path, error)),
        };
        let fail = |reason: String| Error::image(path.display().to_string(), reason);
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::file("read", &path, error))?;
        if bytes.len() as u64 > MAX {
            return Err(fail(
                "has more than 1 MiB, so it is not a file of credentials".into(),
            ));
        }
        let auths = AuthFile::parse(&bytes).map_err(fail)?;
        for entry in auths.find(name.host(), name.repository()).map_err(fail)? {
            match entry {
                Entry::Here(credentials) => return Ok(Some(credentials)),
                Entry::Helper(helper) => {
                    if let Some(found) = ask(&helper, name.host())? {
                        return Ok(Some(found));
                    }
                }
            }
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: Zeroizing<String>,
}

/// Asks `docker-credential-NAME get`. `None` where it has nothing for this host.
fn ask(helper: &str, host: &str) -> Result<Option<Credentials>> {
    let program = format!("docker-credential-{helper}");
    let mut command = Command::new(&program);
    command.arg("get");
    ask_within(HELPER_TIME, command, &program, host)
}

/// As [`ask`], of a command that is ready to run and may take this time. `program` is what errors
/// call it.
fn ask_within(
    time: Duration,
    mut command: Command,
    program: &str,
    host: &str,
) -> Result<Option<Credentials>> {
    let fail = |error| Error::io("run", program, error);
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fail)?;
    let server = if host == "docker.io" {
        DOCKER_HUB
    } else {
        host
    };
    if let Some(mut input) = child.stdin.take() {
        // A helper that ends without reading says so by its exit code.
        let _ = input.write_all(server.as_bytes());
    }
    let output = child.stdout.take();
    let (sender, receiver) = std::sync::mpsc::channel();
    // A helper's own children can keep its output open, so the wait is for the message alone.
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let read = output.map(|output| output.take(MAX).read_to_end(&mut bytes));
        let _ = sender.send((read, bytes));
    });
    let late = || {
        let reason = format!(
            "gave no answer for {host} within {} seconds; unlock what it reads from, or log in \
             again",
            time.as_secs_f32()
        );
        Error::image(program, reason)
    };
    let Ok((_, bytes)) = receiver.recv_timeout(time) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(late());
    };
    let status = loop {
        if let Some(status) = child.try_wait().map_err(fail)? {
            break status;
        }
        if start.elapsed() > time {
            let _ = child.kill();
            let _ = child.wait();
            return Err(late());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if !status.success() {
        // The protocol of helpers has one answer that is not an error.
        let words = String::from_utf8_lossy(&bytes);
        if words.contains("credentials not found") {
            return Ok(None);
        }
        let reason = format!("failed for {host} ({status}); try podman login {host}");
        return Err(Error::image(program, reason));
    }
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|_| Error::image(program, "answered with something that is not its protocol"))?;
    Ok(Some(if answer.username == "<token>" {
        Credentials::IdentityToken(answer.secret)
    } else {
        Credentials::Password(answer.username, answer.secret)
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ask_shell(script: &str, time: Duration) -> Result<Option<Credentials>, String> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let found = ask_within(time, command, "docker-credential-x", "h.example");
        found.map_err(|error| error.to_string())
    }

    /// A helper that waits for a password that nobody types: with its output open, with its output
    /// closed, and with a child of its own that has it.
    #[test]
    fn a_helper_that_hangs_is_not_waited_for() {
        let limit = Duration::from_millis(200);
        for script in [
            "exec sleep 60",
            "exec >&-; exec sleep 60",
            "sleep 3 & exit 0",
        ] {
            let start = Instant::now();
            let error = ask_shell(script, limit).unwrap_err();
            assert_eq!(
                error,
                "docker-credential-x: gave no answer for h.example within 0.2 seconds; unlock what \
                 it reads from, or log in again",
                "{script}"
            );
            assert!(start.elapsed() >= limit, "{script}");
            assert!(start.elapsed() < Duration::from_secs(2), "{script}");
        }
        assert_eq!(
            HELPER_TIME,
            Duration::from_secs(10),
            "as docs/canoni.md says"
        );
        // One that is slow, but not that slow.
        let answer = r#"sleep 0.2; echo '{"Username":"u","Secret":"s"}'"#;
        let found = ask_shell(answer, Duration::from_secs(30)).unwrap();
        let secret = "s".to_owned().into();
        assert!(found == Some(Credentials::Password("u".into(), secret)));
    }
}
