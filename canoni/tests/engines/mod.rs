//! umoci and podman as other readers of an image.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test file uses its share
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // as in tests

use crate::support::{lines, put};
use std::path::Path;

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    letsesign_tests::run(program, arguments).map(|text| text.trim().to_owned())
}

/// Whether they are there and can do their work, or why not.
pub fn ready() -> Result<(), String> {
    for program in ["skopeo", "umoci", "podman"] {
        run(program, &["--version"])?;
    }
    if !rustix::process::geteuid().is_root() {
        return Err("umoci and podman need root to unpack owners and devices".to_owned());
    }
    Ok(())
}

/// Everything but times and the root directory, one line per path.
fn seen(root: &Path) -> Vec<String> {
    let options = canoni::TreeOptions {
        escaping_symlinks: true,
        ..Default::default()
    };
    let tree = canoni::Tree::from_directory(root, &options).unwrap();
    with_attributes(&tree)
}

/// The lines of a tree, with extended attributes.
pub fn with_attributes(tree: &canoni::Tree) -> Vec<String> {
    lines(tree)
        .into_iter()
        .zip(tree.entries())
        .map(|(line, entry)| {
            let mut line = line;
            for (name, value) in &entry.xattrs {
                let name = String::from_utf8_lossy(name);
                line = format!("{line} {name}={}", hex::encode(value));
            }
            line
        })
        .collect()
}

/// The files that `umoci unpack` makes of a docker-archive's only image.
pub fn umoci(archive: &[u8]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", archive);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let from = format!("docker-archive:{}", path.display());
    let to = format!("oci:{}:t", at("oci"));
    letsesign_tests::skopeo::copy(&from, &to)?;
    let image = format!("{}:t", at("oci"));
    run("umoci", &["unpack", "--image", &image, &at("bundle")])?;
    Ok(seen(&folder.path().join("bundle/rootfs")))
}

/// The files that podman makes of it, with storage of the test's own.
pub fn podman(archive: &[u8]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", archive);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let storage = [
        "--root",
        &at("storage"),
        "--runroot",
        &at("run"),
        "--storage-driver",
        "vfs",
    ];
    let podman = |arguments: &[&str]| run("podman", &[&storage[..], arguments].concat());
    let loaded = podman(&["load", "--quiet", "--input", path.to_str().unwrap()])?;
    let image = loaded.split_whitespace().last().unwrap_or_default();
    let mounted = podman(&["image", "mount", image])?;
    let tree = seen(Path::new(&mounted));
    podman(&["image", "umount", "--force", image])?;
    Ok(tree)
}

/// The canonical docker-archive of a docker-archive, layered.
pub fn canonical(archive: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let image = crate::support::canonical(&put(folder.path(), "i.tar", archive), false);
    let mut bytes = Vec::new();
    image
        .write_tar(&mut bytes, canoni::Format::DockerArchive, "memory")
        .unwrap();
    bytes
}
