//! The measured description of what to run: `config.json` of ramdisk 2, a strict subset of the OCI
//! runtime specification 1.0 (config.md). A member that is not listed here is refused: it would ask
//! for something that init does not do.

use serde::Deserialize;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Larger descriptions are refused; a real one has some hundred bytes.
const SIZE_MAX: u64 = 1 << 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Bundle {
    oci_version: String,
    pub(crate) process: Process,
    pub(crate) root: Root,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Process {
    pub(crate) args: Vec<String>,
    capabilities: Capabilities,
    pub(crate) cwd: PathBuf,
    pub(crate) env: Vec<String>,
    no_new_privileges: bool,
    pub(crate) user: User,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Capabilities {
    ambient: Vec<String>,
    bounding: Vec<String>,
    effective: Vec<String>,
    inheritable: Vec<String>,
    permitted: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) additional_gids: Vec<u32>,
    pub(crate) gid: u32,
    pub(crate) uid: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Root {
    pub(crate) path: PathBuf,
}

impl Process {
    /// The program's name for messages.
    pub(crate) fn program(&self) -> &str {
        self.args.first().map_or("(no program)", String::as_str)
    }
}

/// Reads and checks the description.
pub(crate) fn read(path: &Path) -> Result<Bundle, Box<dyn Error>> {
    let in_file = |reason: String| format!("{}: {reason}", path.display());
    let size = std::fs::metadata(path)
        .map_err(|error| in_file(error.to_string()))?
        .len();
    if size > SIZE_MAX {
        return Err(in_file(format!("{size} bytes; at most {SIZE_MAX} are read")).into());
    }
    let text = std::fs::read(path).map_err(|error| in_file(error.to_string()))?;
    let bundle: Bundle =
        serde_json::from_slice(&text).map_err(|error| in_file(error.to_string()))?;
    check(&bundle).map_err(|reason| in_file(reason.to_owned()))?;
    Ok(bundle)
}

fn check(bundle: &Bundle) -> Result<(), &'static str> {
    let process = &bundle.process;
    let capabilities = &process.capabilities;
    let sets = [
        &capabilities.ambient,
        &capabilities.bounding,
        &capabilities.effective,
        &capabilities.inheritable,
        &capabilities.permitted,
    ];
    if !bundle.oci_version.starts_with("1.") {
        return Err("ociVersion is not 1.x");
    }
    if process.args.first().is_none_or(String::is_empty) {
        return Err("process.args names no program");
    }
    if process
        .args
        .iter()
        .chain(&process.env)
        .any(|text| text.contains('\0'))
    {
        return Err("process.args or process.env holds a NUL");
    }
    if process.env.iter().any(|text| !text.contains('=')) {
        return Err("process.env holds an entry without '='");
    }
    if !process.cwd.is_absolute() {
        return Err("process.cwd is not absolute");
    }
    if !process.no_new_privileges {
        return Err("process.noNewPrivileges must be true");
    }
    if sets.iter().any(|set| !set.is_empty()) {
        return Err("process.capabilities must be empty: programs in the enclave get none");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"ociVersion":"1.0.2","process":{"args":["/letsesign/server"],
        "capabilities":{"ambient":[],"bounding":[],"effective":[],"inheritable":[],"permitted":[]},
        "cwd":"/","env":["PATH=/letsesign"],"noNewPrivileges":true,
        "user":{"additionalGids":[],"gid":65532,"uid":65532}},"root":{"path":"rootfs"}}"#;

    fn read_text(text: &str) -> Result<Bundle, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_good_description_is_read() {
        let bundle = read_text(GOOD).unwrap();
        assert_eq!(bundle.process.program(), "/letsesign/server");
        assert_eq!(bundle.process.user.uid, 65532);
        assert_eq!(bundle.root.path, Path::new("rootfs"));
    }

    #[test]
    fn descriptions_outside_the_subset_are_refused() {
        for (from, to, reason) in [
            (
                "\"ociVersion\":\"1.0.2\"",
                "\"ociVersion\":\"2.0.0\"",
                "1.x",
            ),
            ("[\"/letsesign/server\"]", "[]", "names no program"),
            ("[\"/letsesign/server\"]", "[\"a\\u0000b\"]", "NUL"),
            ("PATH=/letsesign", "PATH", "without '='"),
            ("\"cwd\":\"/\"", "\"cwd\":\".\"", "not absolute"),
            ("Privileges\":true", "Privileges\":false", "must be true"),
            (
                "\"bounding\":[]",
                "\"bounding\":[\"CAP_SYS_ADMIN\"]",
                "must be empty",
            ),
            (
                "\"root\":{",
                "\"mounts\":[],\"root\":{",
                "unknown field `mounts`",
            ),
            ("\"gid\":65532,", "", "missing field `gid`"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = read_text(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nonexistent/config.json"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/nonexistent/config.json: "), "{error}");
    }
}
