//! The enclave's container image: which files, which modes, which configuration. Everything else about it is canoni's form v1.

use crate::packages::Packages;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use canoni::{Content, Kind, Metadata, Tree, TreeBuilder};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The user that the server runs as: a number far from those of any distribution.
const USER: u32 = 65_532;

/// Where the server and what belongs to it lie in the image.
const HOME: &str = "letsesign";

/// Directories that are mount points for init, and their modes.
const MOUNT_POINTS: &[(&str, u32)] = &[
    ("dev", 0o755),
    ("proc", 0o555),
    ("run", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
];

/// Name and tag of the image in a Docker daemon.
pub(crate) const REFERENCE: &str = "letsesign-enclave:latest";

/// The image's configuration (OCI image specification, config.md) before it is made canonical.
pub(crate) fn configuration() -> serde_json::Value {
    serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Env": [format!("PATH=/{HOME}")],
            "Entrypoint": [format!("/{HOME}/server")],
            "WorkingDir": "/",
        },
        "rootfs": { "type": "layers", "diff_ids": [] },
    })
}

/// The image's files around a server program.
pub(crate) fn tree(workspace: &Workspace, server: &Path) -> Result<Tree> {
    let mut builder = TreeBuilder::new();
    for (path, mode) in MOUNT_POINTS {
        builder.dir(path, Metadata::root(*mode))?;
    }
    let passwd =
        format!("root:x:0:0:root:/:/nologin\nletsesign:x:{USER}:{USER}:letsesign:/:/nologin\n");
    let group = format!("root:x:0:\nletsesign:x:{USER}:\n");
    builder.dir("etc", Metadata::root(0o755))?;
    builder.file(
        "etc/passwd",
        Metadata::root(0o644),
        Content::from(passwd.into_bytes()),
    )?;
    builder.file(
        "etc/group",
        Metadata::root(0o644),
        Content::from(group.into_bytes()),
    )?;

    builder.dir(HOME, Metadata::root(0o755))?;
    builder.file_from(format!("{HOME}/server"), Metadata::root(0o755), server)?;
    builder.dir(format!("{HOME}/configs"), Metadata::root(0o755))?;
    for (name, source) in configs(workspace)? {
        builder.file_from(
            format!("{HOME}/configs/{name}"),
            Metadata::root(0o644),
            &source,
        )?;
    }
    builder.dir(format!("{HOME}/fonts"), Metadata::root(0o755))?;
    for file in Packages::load(&workspace.path("enclave/packages"))?.image_files() {
        builder.file_from(
            file.image.trim_start_matches('/'),
            Metadata::root(0o644),
            &file.path,
        )?;
    }
    builder.build().context("cannot lay out the image")
}

/// The files of `enclave/configs` that the server reads: all that end in `.toml` or `.pem`. The kernel's command line, which lies there
/// too, has a section of its own.
fn configs(workspace: &Workspace) -> Result<Vec<(String, PathBuf)>> {
    let folder = workspace.path("enclave/configs");
    let mut found = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .context("a name in enclave/configs is not UTF-8")?;
        if path
            .extension()
            .is_some_and(|extension| extension == "toml" || extension == "pem")
        {
            found.push((name.to_owned(), path));
        }
    }
    if found.is_empty() {
        bail!(
            "{} holds no configuration; restore it with: git checkout -- enclave/configs",
            folder.display()
        );
    }
    found.sort();
    Ok(found)
}

/// Lays the image's files out as the build context of `enclave/Dockerfile`: the server, `fonts/`, `configs/`, and everything
/// else under `skeleton/`. An older context at that place is replaced.
pub(crate) fn write_context(tree: &Tree, directory: &Path) -> Result<()> {
    if directory.exists() {
        // Only what looks like a context of ours is removed.
        if !directory.join("skeleton").is_dir() && fs::read_dir(directory)?.next().is_some() {
            bail!(
                "{} is not empty and no build context; name another directory",
                directory.display()
            );
        }
        fs::remove_dir_all(directory)
            .with_context(|| format!("cannot replace {}", directory.display()))?;
    }
    for entry in tree.entries() {
        let Some(place) = context_path(&entry.path) else {
            continue;
        };
        let path = directory.join(place);
        let at = || format!("cannot write {}", path.display());
        match entry.kind {
            Kind::Dir => fs::create_dir_all(&path).with_context(at)?,
            Kind::File { .. } => {
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).with_context(at)?;
                }
                let content = entry.content().context("a file without content")?;
                let mut file = fs::File::create(&path).with_context(at)?;
                std::io::copy(&mut content.open()?, &mut file).with_context(at)?;
            }
            _ => bail!("{} is neither file nor directory", path.display()),
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode)).with_context(at)?;
    }
    Ok(())
}

/// Where a path of the image is in the build context. `/letsesign` itself is made by Docker.
fn context_path(path: &[u8]) -> Option<PathBuf> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    match path.strip_prefix(HOME) {
        Ok(rest) if rest.as_os_str().is_empty() => None,
        Ok(rest) => Some(rest.to_owned()),
        Err(_) => Some(Path::new("skeleton").join(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_holds_the_servers_files_at_the_top_and_the_rest_in_the_skeleton() {
        assert_eq!(
            context_path(b"letsesign/server"),
            Some(PathBuf::from("server"))
        );
        assert_eq!(
            context_path(b"letsesign/fonts/a.otf"),
            Some(PathBuf::from("fonts/a.otf"))
        );
        assert_eq!(
            context_path(b"etc/passwd"),
            Some(PathBuf::from("skeleton/etc/passwd"))
        );
        assert_eq!(context_path(b"letsesign"), None);
    }

    #[test]
    fn a_directory_with_other_files_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("precious"), "x").unwrap();
        let error = write_context(&Tree::default(), directory.path()).unwrap_err();
        assert!(error.to_string().contains("no build context"), "{error}");
        assert!(directory.path().join("precious").exists());
    }

    #[test]
    fn a_context_is_written_with_its_modes_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("context");
        let mut builder = TreeBuilder::new();
        builder.dir("tmp", Metadata::root(0o1777)).unwrap();
        builder
            .file(
                "letsesign/server",
                Metadata::root(0o755),
                Content::from(b"x".to_vec()),
            )
            .unwrap();
        let tree = builder.build().unwrap();
        for _ in 0..2 {
            write_context(&tree, &place).unwrap();
            let mode =
                |path: &str| fs::metadata(place.join(path)).unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode("skeleton/tmp"), mode("server")), (0o1777, 0o755));
        }
    }
}
