//! The process to run: from an image's configuration to the `config.json` of an OCI runtime bundle.
//!
//! `config.json` is a strict subset of the OCI runtime specification 1.0.2, spelled by RFC 8785 (members sorted, no
//! white space), so one configuration has one spelling. Names of users and groups are resolved here, with the image's
//! own `/etc/passwd` and `/etc/group`; the enclave's init deals in numbers only.

use crate::error::{Error, Result};
use crate::lookup;
use canoni::Tree;
use serde::Serialize;

/// What to run, as an image's configuration or the command line says it.
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

#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) additional_gids: Vec<u32>,
    pub(crate) gid: u32,
    pub(crate) uid: u32,
}

#[derive(Serialize)]
struct Root {
    path: &'static str,
}

impl Process {
    /// The bundle's `config.json` for an image with these files.
    pub fn to_config_json(&self, tree: &Tree) -> Result<Vec<u8>> {
        let args: Vec<&str> = self
            .entrypoint
            .iter()
            .chain(&self.cmd)
            .map(String::as_str)
            .collect();
        let Some(program) = args.first().filter(|program| !program.is_empty()) else {
            return Err(Error::Config(
                "there is nothing to run: the image has neither Entrypoint nor Cmd; set one in the image or give --exec".to_owned(),
            ));
        };
        for text in args
            .iter()
            .copied()
            .chain(self.env.iter().map(String::as_str))
        {
            if text.contains('\0') {
                return Err(Error::Config(format!(
                    "{text:?} contains a NUL character, which no program can receive"
                )));
            }
        }
        for variable in &self.env {
            if variable.find('=').is_none_or(|at| at == 0) {
                return Err(Error::Config(format!(
                    "environment variable {variable:?} is not of the form NAME=value"
                )));
            }
        }
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

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
