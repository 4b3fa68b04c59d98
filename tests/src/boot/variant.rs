//! The test variant of the image (docs/emulator.md, "The test variant").

use super::{Fixture, Parts};
use canoni::{Content, Metadata as FileMetadata, TreeBuilder};
use eif::{Build, Metadata, Process, Ramdisks};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes the image of this tree with the server's test variant to `folder`, with the certificates
/// `anchors` (PEM) of the emulated services beside the measured ones. `configs` are files of its
/// configuration that differ from the tree's, by name.
///
/// # Errors
/// When a file cannot be read, or the image cannot be built.
pub fn test_variant(
    fixture: &Fixture,
    server: &Path,
    folder: &Path,
    anchors: &str,
    configs: &[(&str, String)],
) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut builder = TreeBuilder::new();
    for name in ["dev", "proc", "run", "sys", "tmp"] {
        builder.dir(name, FileMetadata::root(0o755))?;
    }
    builder.file_from("letsesign/server", FileMetadata::root(0o755), server)?;
    for (from, to, extensions) in [
        ("enclave/configs", "configs", &["toml", "pem"][..]),
        ("enclave/packages/fonts", "fonts", &["otf", "ttc"]),
    ] {
        for entry in fs::read_dir(tree.join(from))? {
            let path = entry?.path();
            let extension = path.extension().and_then(|text| text.to_str());
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let other = to == "configs" && configs.iter().any(|(other, _)| *other == name);
            if !other && extension.is_some_and(|text| extensions.contains(&text)) {
                let at = format!("letsesign/{to}/{name}");
                builder.file_from(at, FileMetadata::root(0o644), &path)?;
            }
        }
    }
    let anchors = ("test-anchors.pem", anchors.to_owned());
    for (name, text) in configs.iter().chain([&anchors]) {
        let content = Content::from(text.clone().into_bytes());
        let at = format!("letsesign/configs/{name}");
        builder.file(at, FileMetadata::root(0o644), content)?;
    }
    let process = Process {
        entrypoint: vec!["/letsesign/server".into()],
        user: Some("65532:65532".into()),
        ..Process::default()
    };
    let parts = Parts::extract(&fixture.eif, folder)?;
    let tree = builder.build()?;
    let ramdisks = Ramdisks::Bundle {
        init: &fixture.init,
        tree: &tree,
        process: &process,
    };
    let eif = folder.join("variant.eif");
    let metadata = Metadata::new("test-variant", "0");
    Build::new(&parts.kernel, &parts.cmdline, ramdisks, metadata).write(&eif)?;
    Ok(eif)
}
