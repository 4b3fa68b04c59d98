//! The process to run: from an image's configuration to the `config.json` of an OCI runtime bundle.
//!
//! `config.json` is a strict subset of the OCI runtime specification 1.0.2, spelled by RFC 8785
//! (members sorted, no white space), so one configuration has one spelling. Names of users and
//! groups are resolved here, with the image's own `/etc/passwd` and `/etc/group`; the enclave's
//! init deals in numbers only.

use crate::error::{Error, Result};
use crate::lookup::{self, User};
use canoni::Tree;
use serde::Serialize;

/// In which form the second ramdisk says what to run: it must be the one that init reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InitConfig {
    /// `/config.json`, which our init reads: `docs/init.md`.
    #[default]
    Oci,
    /// `/cmd` and `/env`, which AWS's init reads: one word a line. The program runs as root in `/`.
    Aws,
}

/// The option's spelling.
impl std::fmt::Display for InitConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            InitConfig::Oci => "oci",
            InitConfig::Aws => "aws",
        })
    }
}

impl std::str::FromStr for InitConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "oci" => Ok(InitConfig::Oci),
            "aws" => Ok(InitConfig::Aws),
            _ => Err("expected oci (config.json) or aws (cmd and env)".to_owned()),
        }
    }
}

/// The program to run, as an image's configuration or the command line gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// First part of the arguments.
    pub entrypoint: Vec<String>,
    /// Rest of the arguments.
    pub cmd: Vec<String>,
    /// Environment, `NAME=value`.
    pub env: Vec<String>,
    /// `USER`, `UID`, `USER:GROUP` or `UID:GID`; empty or absent means root.
    pub user: Option<String>,
    /// Directory to start in; empty or absent means `/`.
    pub working_dir: Option<String>,
}

/// Members in the order of RFC 8785, which sorts by UTF-16 code units; all names here are ASCII.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeConfig<'a> {
    oci_version: &'static str,
    process: RuntimeProcess<'a>,
    root: Root,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeProcess<'a> {
    args: Vec<&'a str>,
    capabilities: Capabilities,
    cwd: &'a str,
    env: &'a [String],
    no_new_privileges: bool,
    user: User,
}

/// None in any set. Empty lists, not absent ones: init demands every member.
#[derive(Serialize)]
struct Capabilities {
    ambient: [(); 0],
    bounding: [(); 0],
    effective: [(); 0],
    inheritable: [(); 0],
    permitted: [(); 0],
}

#[derive(Serialize)]
struct Root {
    path: &'static str,
}

impl Process {
    /// Entrypoint and Cmd as one list, which names a program and holds no NUL.
    pub(crate) fn args(&self) -> Result<Vec<&str>> {
        let args: Vec<&str> = self
            .entrypoint
            .iter()
            .chain(&self.cmd)
            .map(String::as_str)
            .collect();
        if args.first().is_none_or(|program| program.is_empty()) {
            return Err(Error::Config(
                "there is nothing to run: the image has neither Entrypoint nor Cmd; set one in the image or give --exec".to_owned(),
            ));
        }
        args.iter().try_for_each(|text| no_nul(text))?;
        Ok(args)
    }

    /// Every variable is `NAME=value` without NUL.
    pub(crate) fn check_env(&self) -> Result<()> {
        for variable in &self.env {
            no_nul(variable)?;
            if variable.find('=').is_none_or(|at| at == 0) {
                return Err(Error::Config(format!(
                    "environment variable {variable:?} is not of the form NAME=value"
                )));
            }
        }
        Ok(())
    }

    /// The bundle's `config.json` for an image with these files.
    pub fn to_config_json(&self, tree: &Tree) -> Result<Vec<u8>> {
        let args = self.args()?;
        let program = args.first().copied().unwrap_or_default();
        self.check_env()?;
        let cwd = self
            .working_dir
            .as_deref()
            .filter(|path| !path.is_empty())
            .unwrap_or("/");
        if !cwd.starts_with('/') {
            return Err(Error::Config(format!(
                "the working directory {cwd:?} is not absolute"
            )));
        }
        // Init would fail on this and on a missing program, but only when the enclave boots.
        if !lookup::is_directory(tree, cwd) {
            return Err(Error::Config(format!(
                "the working directory {cwd} is not in the image; create it there"
            )));
        }
        lookup::check_program(tree, program, cwd, &self.env).map_err(Error::Config)?;
        let user = lookup::user(tree, self.user.as_deref().unwrap_or_default())?;
        let config = RuntimeConfig {
            oci_version: "1.0.2",
            process: RuntimeProcess {
                args,
                capabilities: Capabilities {
                    ambient: [],
                    bounding: [],
                    effective: [],
                    inheritable: [],
                    permitted: [],
                },
                cwd,
                env: &self.env,
                no_new_privileges: true,
                user,
            },
            root: Root { path: "rootfs" },
        };
        serde_json::to_vec(&config).map_err(|error| Error::Config(error.to_string()))
    }
}

fn no_nul(text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::Config(format!(
            "{text:?} contains a NUL character, which no program can receive"
        )));
    }
    Ok(())
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
