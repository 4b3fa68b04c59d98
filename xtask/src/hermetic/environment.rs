//! The environment and flags of a hermetic build. Every way to build uses the same flags;
//! docs/reproduce.md lists them.

use super::sources::Unpacked;
use crate::base::Sysroot;
use crate::workspace::{RUSTC_COMMIT, TARGET, Toolchain, Workspace, cargo};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that builds inherit: those a machine needs to find programs and reach its registry.
/// None shapes the output.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TERM",
    "NO_COLOR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_BUILD_JOBS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
];

/// Prefixes of variables that builds inherit. `LD_` acts on the machine below us (a libc in another
/// place, a clock that runs elsewhere); the build must give the same bytes with it, and
/// `cargo xtask rebuild` uses that.
const KEPT_PREFIXES: &[&str] = &[
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
    "LD_",
];

/// Where the parts of a build lie on this machine.
#[derive(Debug)]
pub(super) struct Environment {
    target: PathBuf,
    maps: PathBuf,
    variables: Vec<(OsString, OsString)>,
    /// Directories of this machine that must not be found in a program.
    private: BTreeSet<PathBuf>,
    /// Crates of the registry, those of other programs among them.
    crates: BTreeSet<Unpacked>,
}

impl Environment {
    pub(super) fn new(
        workspace: &Workspace,
        toolchain: &Toolchain,
        sysroot: &Sysroot,
    ) -> Result<Self> {
        let target = workspace.target()?.join("hermetic");
        let maps = target.join("maps");
        fs::create_dir_all(&maps).with_context(|| format!("cannot create {}", maps.display()))?;
        let unpacked = crates(workspace)?;
        let crates: BTreeSet<PathBuf> = unpacked
            .iter()
            .filter_map(|one| Some(one.folder.parent()?.to_owned()))
            .collect();

        let mut private: BTreeSet<PathBuf> = crates.clone();
        private.extend([
            workspace.root().to_owned(),
            workspace.target()?,
            toolchain.sysroot.clone(),
            sysroot.path().to_owned(),
        ]);
        private.extend(
            ["HOME", "CARGO_HOME", "RUSTUP_HOME"]
                .iter()
                .filter_map(env::var_os)
                .map(PathBuf::from),
        );
        // "/" reveals nothing about a machine and occurs everywhere.
        private.retain(|path| path.is_absolute() && path.components().count() > 1);

        let mut variables: Vec<(OsString, OsString)> =
            env::vars_os().filter(|(name, _)| is_kept(name)).collect();
        let linker = workspace.path("enclave/base/enclave-ld");
        let set = [
            ("CARGO_TARGET_DIR", target.as_os_str()),
            ("CARGO_INCREMENTAL", OsStr::new("0")),
            (
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
                linker.as_os_str(),
            ),
            // An empty wrapper is none, whatever a configuration file says.
            ("RUSTC_WRAPPER", OsStr::new("")),
            ("RUSTC_WORKSPACE_WRAPPER", OsStr::new("")),
            ("RUSTC", toolchain.rustc().as_os_str()),
            ("ENCLAVE_SYSROOT", sysroot.path().as_os_str()),
            ("ENCLAVE_LLD", toolchain.lld().as_os_str()),
            ("ENCLAVE_DYNAMIC_LINKER", sysroot.dynamic_linker.as_os_str()),
            ("ENCLAVE_LINK_MAP", maps.as_os_str()),
            // No C compiler takes part (law 2); a crate that asks for one fails here and not in an
            // audit.
            ("CC", OsStr::new("/bin/false")),
            ("CXX", OsStr::new("/bin/false")),
            ("LC_ALL", OsStr::new("C")),
            ("TZ", OsStr::new("UTC")),
            ("SOURCE_DATE_EPOCH", OsStr::new("0")),
        ]
        .map(|(name, value)| (OsString::from(name), value.to_owned()));
        variables.extend(set);
        variables.push((
            "CARGO_ENCODED_RUSTFLAGS".into(),
            flags(workspace, toolchain, &target, &crates)?,
        ));
        Ok(Self {
            target,
            maps,
            variables,
            private,
            crates: unpacked,
        })
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// The directory of link maps (`enclave-ld` writes them).
    pub(super) fn maps(&self) -> &Path {
        &self.maps
    }

    pub(super) fn private(&self) -> &BTreeSet<PathBuf> {
        &self.private
    }

    /// The crates of the registry that this workspace needs.
    pub(super) fn crates(&self) -> &BTreeSet<Unpacked> {
        &self.crates
    }

    /// A cargo command in this environment and no other.
    pub(super) fn cargo(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(cargo());
        command
            .current_dir(workspace.root())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Variables for a build in a fresh place: those of a hermetic build, but for what names a
/// CARGO_HOME or acts on the machine below us.
pub(crate) fn kept_variables() -> Vec<(OsString, OsString)> {
    let foreign =
        |name: &OsStr| name == "CARGO_HOME" || name.as_encoded_bytes().starts_with(b"LD_");
    env::vars_os()
        .filter(|(name, _)| is_kept(name) && !foreign(name))
        .collect()
}

fn is_kept(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        KEPT.contains(&name) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    })
}

/// The flags, separated by 0x1f as CARGO_ENCODED_RUSTFLAGS wants them.
fn flags(
    workspace: &Workspace,
    toolchain: &Toolchain,
    target: &Path,
    crates: &BTreeSet<PathBuf>,
) -> Result<OsString> {
    let rust_src = toolchain.sysroot.join("lib/rustlib/src/rust");
    // The last match wins: what lies inside another directory comes after it.
    let mut remaps = vec![
        (workspace.root().to_owned(), "/ws".to_owned()),
        (target.to_owned(), "/ws/target".to_owned()),
    ];
    remaps.extend(
        crates
            .iter()
            .map(|directory| (directory.clone(), "/crates".to_owned())),
    );
    remaps.push((toolchain.sysroot.clone(), "/rust".to_owned()));
    remaps.push((rust_src, format!("/rustc/{RUSTC_COMMIT}")));

    let mut flags: Vec<OsString> = [
        "-Ctarget-feature=+crt-static",
        "-Cstrip=symbols",
        "-Ccodegen-units=1",
        // In a static program getrandom cannot look its system call up and would fall back to
        // /dev/urandom.
        "--cfg=getrandom_backend=\"linux_getrandom\"",
    ]
    .map(OsString::from)
    .to_vec();
    for (from, to) in remaps {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(&from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    }
    if flags
        .iter()
        .any(|flag| flag.as_encoded_bytes().contains(&0x1f))
    {
        bail!("a path of this build holds the control character 0x1f, which cargo cannot pass on");
    }
    Ok(flags.join(OsStr::new("\x1f")))
}

/// The crates of the registry that this workspace needs, with the folders that hold their sources:
/// CARGO_HOME/registry/src/INDEX/NAME-VERSION, or where they are vendored. Asking cargo for them
/// also downloads what is missing.
fn crates(workspace: &Workspace) -> Result<BTreeSet<Unpacked>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        source: Option<String>,
        manifest_path: PathBuf,
    }
    let output = Command::new(cargo())
        .args([
            "metadata",
            "--locked",
            "--format-version=1",
            "--filter-platform",
            TARGET,
        ])
        .current_dir(workspace.root())
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed ({})", output.status);
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .context("cargo metadata printed something unexpected")?;
    Ok(metadata
        .packages
        .into_iter()
        // Packages of the workspace have no source; git compares those.
        .filter(|package| package.source.is_some())
        .filter_map(|package| {
            Some(Unpacked {
                folder: package.manifest_path.parent()?.to_owned(),
                name: package.name,
                version: package.version,
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_user_do_not_reach_the_build() {
        for name in [
            "RUSTFLAGS",
            "CARGO_PROFILE_ENCLAVE_LTO",
            "CFLAGS",
            "CC",
            "LANG",
            "RUSTC_BOOTSTRAP",
            "CARGO_INCREMENTAL",
        ] {
            assert!(!is_kept(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "CARGO_HOME", "CARGO_NET_OFFLINE", "LD_PRELOAD"] {
            assert!(is_kept(OsStr::new(name)), "{name}");
        }
    }
}
