//! A private apt: Debian's archive through the mirror that this machine's own apt uses, without
//! touching its configuration.
//!
//! The mirror's address is read from apt at run time (`apt-get indextargets`); sources, lists and
//! caches of the private apt lie in one folder. Signatures are checked with Debian's archive
//! keyring as always.
//!
//! As root, apt downloads as another user, `_apt`, so that a fault in a download method is not
//! root's. That user must reach the folder, which it cannot below root's own home.

use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The user that apt downloads as, when it runs as root.
const SANDBOX: &str = "_apt";

/// Where root's private apts lie.
const SHARED: &str = "/var/cache/letsesign-enclave/apt";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An apt that knows one Debian release and keeps everything below one folder.
#[derive(Debug)]
pub(crate) struct PrivateApt {
    configuration: PathBuf,
    release: String,
    /// The user that apt downloads as, by number, when it is not ours.
    sandbox: Option<u32>,
}

/// The addresses of a Debian mirror: the archive itself and, where known, its security archive.
#[derive(Debug, PartialEq, Eq)]
struct Mirror {
    archive: String,
    security: Option<String>,
}

impl PrivateApt {
    /// Writes the configuration below `folder`. `release` is a codename such as `bookworm`.
    ///
    /// Fails when this machine has no apt, or an apt that knows no Debian mirror.
    pub(crate) fn new(folder: &Path, release: &str) -> Result<Self> {
        let sandbox = sandbox_user();
        let shared = Path::new(SHARED).join(release);
        // Without such a folder apt prints a warning and downloads as root, its usual fallback.
        let folder = if sandbox.is_some() && make_reachable(&shared).is_ok() {
            &shared
        } else {
            folder
        };
        let output = Command::new("apt-get")
            .args(["indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(SITE)"])
            .stdin(Stdio::null())
            .output()
            .context("cannot run apt-get")?;
        let mirror = Mirror::parse(&String::from_utf8_lossy(&output.stdout))
            .context("this machine's apt knows no Debian mirror (or its lists are empty: run apt-get update)")?;
        for sub in ["state/lists/partial", "cache/archives/partial", "sources"] {
            let path = folder.join(sub);
            fs::create_dir_all(&path)
                .with_context(|| format!("cannot create {}", path.display()))?;
        }
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("sources/debian.sources", mirror.sources(release))?;
        let path = folder.display();
        write(
            "apt.conf",
            format!(
                "Dir::State \"{path}/state\";\nDir::Cache \"{path}/cache\";\nDir::Etc::sourcelist \"/dev/null\";\n\
                 Dir::Etc::sourceparts \"{path}/sources\";\nDir::Etc::preferences \"/dev/null\";\n\
                 Dir::Etc::preferencesparts \"/dev/null\";\nAPT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\n\
                 Acquire::Languages \"none\";\n\
                 Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n"
            ),
        )?;
        Ok(Self {
            configuration: folder.join("apt.conf"),
            release: release.to_owned(),
            sandbox,
        })
    }

    /// A temporary folder that apt can download to.
    pub(crate) fn scratch(&self) -> Result<TempDir> {
        let folder = self.configuration.parent().unwrap_or(Path::new("/"));
        let scratch = tempfile::tempdir_in(folder).context("cannot create a temporary folder")?;
        if self.sandbox.is_some() {
            let readable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(scratch.path(), readable)
                .and_then(|()| chown(scratch.path(), self.sandbox, None))
                .with_context(|| format!("cannot give a folder to {SANDBOX}"))?;
        }
        Ok(scratch)
    }

    /// Fetches the lists of packages.
    pub(crate) fn update(&self) -> Result<()> {
        self.run(Path::new("/"), &["update", "-q"])
            .with_context(|| format!("apt-get update for Debian {}", self.release))
    }

    /// Downloads binary packages (`NAME=VERSION`) into `folder`, all in one go.
    pub(crate) fn download(&self, folder: &Path, packages: &[String]) -> Result<()> {
        let mut arguments = vec!["download", "-q"];
        arguments.extend(packages.iter().map(String::as_str));
        self.run(folder, &arguments)
    }

    /// Downloads the files of a source package into `folder` without unpacking them.
    pub(crate) fn download_source(&self, folder: &Path, name: &str, version: &str) -> Result<()> {
        let package = format!("{name}={version}");
        self.run(
            folder,
            &["source", "-q", "--download-only", "--only-source", &package],
        )
    }

    /// The newest version of a binary package in this release.
    pub(crate) fn candidate(&self, name: &str) -> Result<String> {
        let output = self
            .command("apt-cache")
            .args(["show", "--no-all-versions", name])
            .output()
            .context("cannot run apt-cache")?;
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .find_map(|line| line.strip_prefix("Version: "))
            .map(str::to_owned)
            .with_context(|| format!("Debian {} has no package {name}", self.release))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("APT_CONFIG", &self.configuration)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> Result<()> {
        let output = self
            .command("apt-get")
            .args(arguments)
            .current_dir(folder)
            .output()
            .context("cannot run apt-get")?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            let first = errors
                .lines()
                .find(|line| line.starts_with("E:"))
                .unwrap_or("no message");
            bail!(
                "apt-get {} failed: {first}",
                arguments.first().unwrap_or(&"")
            );
        }
        Ok(())
    }
}

/// The number of apt's own user, when we are root and there is one.
fn sandbox_user() -> Option<u32> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let fields = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&SANDBOX))?;
    fields.get(2)?.parse().ok()
}

/// Makes a folder that everybody can reach, whatever the umask.
fn make_reachable(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let ours = folder
        .ancestors()
        .take_while(|path| *path != Path::new("/var/cache"));
    ours.into_iter()
        .try_for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
}

impl Mirror {
    /// Reads lines of `ORIGIN|LABEL|SITE`; other vendors' archives are passed over.
    fn parse(targets: &str) -> Option<Self> {
        let sites = |wanted: &str| {
            targets.lines().find_map(|line| {
                let mut fields = line.splitn(3, '|');
                let (origin, label, site) = (fields.next()?, fields.next()?, fields.next()?);
                (origin == "Debian" && label == wanted).then(|| site.to_owned())
            })
        };
        Some(Self {
            archive: sites("Debian")?,
            security: sites("Debian-Security"),
        })
    }

    /// The deb822 sources of one release, with its security archive and source packages.
    fn sources(&self, release: &str) -> String {
        let stanza = |site: &str, suites: &str| {
            format!(
                "Types: deb deb-src\nURIs: {site}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n"
            )
        };
        let mut text = stanza(&self.archive, &format!("{release} {release}-updates"));
        if let Some(security) = &self.security {
            text.push('\n');
            text.push_str(&stanza(security, &format!("{release}-security")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_debians_and_not_another_vendors() {
        let targets = "Vendor|Tools|https://mirror.example/tools\nDebian|Debian|http://mirror.example/debian\n\
                       Debian|Debian-Security|http://mirror.example/debian-security\n";
        let mirror = Mirror::parse(targets).unwrap();
        assert_eq!(mirror.archive, "http://mirror.example/debian");
        let text = mirror.sources("trixie");
        assert!(
            text.contains("URIs: http://mirror.example/debian\nSuites: trixie trixie-updates\n")
        );
        assert!(
            text.contains("URIs: http://mirror.example/debian-security\nSuites: trixie-security\n")
        );
        assert!(!text.contains("tools"));
    }

    #[test]
    fn without_a_debian_mirror_there_is_none() {
        assert_eq!(
            Mirror::parse("Ubuntu|Ubuntu|http://mirror.example/ubuntu\n"),
            None
        );
        assert_eq!(
            Mirror::parse("Debian|Debian-Security|http://mirror.example/security\n"),
            None
        );
        assert_eq!(Mirror::parse("garbage"), None);
    }
}
