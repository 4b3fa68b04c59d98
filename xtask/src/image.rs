//! The enclave's container image: which files, which modes, which configuration. Everything else
//! about it is canoni's form v1.

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

/// Where configurations lie in the image, with the slash behind it.
pub(crate) const CONFIGS_PLACE: &str = "/letsesign/configs/";

/// Files of the image whose contents are written here, by absolute path.
pub(crate) const GENERATED: &[&str] = &["/etc/group", "/etc/passwd"];

/// Absolute path of the server in the image.
pub(crate) fn server_path() -> String {
    format!("/{HOME}/server")
}

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
            "Entrypoint": [server_path()],
            "WorkingDir": "/",
        },
        "rootfs": { "type": "layers", "diff_ids": [] },
    })
}

/// The image's files around a server program.
///
/// The order of the calls does not matter: canoni sorts entries by path.
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

/// Folder of the files that shape the server's behaviour.
const CONFIGS_FOLDER: &str = "enclave/configs";

/// The files of `enclave/configs` that the server reads, in the order of their names. A list, not
/// the folder's content: the folder may hold a file that git ignores and no commit has.
pub(crate) const CONFIGS: &[&str] = &[
    "amazon.pem",
    "compatible.toml",
    "egress.toml",
    "limits.toml",
    "public.pem",
];

/// The kernel's command line, which lies there too and has a section of its own.
pub(crate) const CMDLINE: &str = "cmdline";

/// The configurations with their names, each a file and no link. A file on no list is an error: it
/// was meant for the image and would not be in it.
pub(crate) fn configs(workspace: &Workspace) -> Result<Vec<(String, PathBuf)>> {
    let folder = workspace.path(CONFIGS_FOLDER);
    let cannot = || format!("cannot list {}", folder.display());
    for entry in fs::read_dir(&folder).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name();
        let known = |known: &&str| name == **known;
        if !CONFIGS.iter().chain(&[CMDLINE]).any(known) {
            bail!(
                "{CONFIGS_FOLDER}/{} is on no list: what enters the image is named in xtask/src/image.rs. \
                 Remove it, or add it there",
                name.display()
            );
        }
    }
    CONFIGS
        .iter()
        .map(|name| {
            let path = folder.join(name);
            let file = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
            if !file {
                bail!(
                    "{CONFIGS_FOLDER}/{name} is not a file; restore it with: git checkout -- {CONFIGS_FOLDER}"
                );
            }
            Ok(((*name).to_owned(), path))
        })
        .collect()
}

/// Lays the image's files out as the build context of `enclave/Dockerfile`: the server, `fonts/`,
/// `configs/`, and everything else under `skeleton/`. An older context at that place is replaced.
pub(crate) fn write_context(tree: &Tree, directory: &Path) -> Result<()> {
    if directory.exists() {
        // Only a folder that looks like our context is removed, whatever the user named.
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

    /// A certificate authority of an attacker's, in a file that `git status` does not show.
    #[test]
    fn a_configuration_that_git_ignores_does_not_enter_the_image() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let configs_folder = workspace.path(CONFIGS_FOLDER);
        fs::create_dir_all(&configs_folder).unwrap();
        for name in CONFIGS.iter().chain(&[CMDLINE]) {
            fs::write(configs_folder.join(name), name).unwrap();
        }
        let names = |workspace: &Workspace| -> Result<Vec<String>> {
            Ok(configs(workspace)?
                .into_iter()
                .map(|(name, _)| name)
                .collect())
        };
        assert_eq!(names(&workspace).unwrap(), CONFIGS);
        for stray in ["extra.pem", ".public.pem", "limits.toml.orig"] {
            fs::write(configs_folder.join(stray), "x").unwrap();
            let error = names(&workspace).unwrap_err().to_string();
            assert!(
                error.contains(stray) && error.contains("on no list"),
                "{error}"
            );
            fs::remove_file(configs_folder.join(stray)).unwrap();
        }
        let config = configs_folder.join("public.pem");
        fs::remove_file(&config).unwrap();
        assert!(names(&workspace).is_err());
        std::os::unix::fs::symlink("/etc/ssl/certs/ca-certificates.crt", &config).unwrap();
        let error = names(&workspace).unwrap_err().to_string();
        assert!(error.contains("is not a file"), "{error}");
    }

    /// The list is the tree's.
    #[test]
    fn every_configuration_of_this_tree_is_on_the_list() {
        configs(&Workspace::find().unwrap()).unwrap();
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
