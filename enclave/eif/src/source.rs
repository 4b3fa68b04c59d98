//! Where a file tree and its process come from: a container image or a root directory.

use crate::bundle::Process;
use crate::error::{Error, Result};
use crate::format::Arch;
use canoni::{Archive, Image, Limits, Selector, Tree, TreeOptions};
use std::path::Path;

/// A file tree with what its image says about running it.
#[derive(Debug)]
pub struct Source {
    /// The root file system.
    pub tree: Tree,
    /// Entrypoint, environment, user and so on; empty for a root directory.
    pub process: Process,
    /// The image's first name, such as `app:1.2`, where it has one.
    pub name: Option<String>,
    /// The architecture that a container image's config names, as Docker and OCI spell it: `amd64`,
    /// `arm64`. `None` where it names none, and for a root directory.
    pub architecture: Option<String>,
    /// What kind of input it was, for people: `root directory`, `container image`.
    pub kind: &'static str,
}

impl Source {
    /// Opens a docker-archive (tar), an OCI layout (tar or directory) or a root directory, telling by content. A
    /// directory is a root directory when it holds neither `oci-layout` nor `manifest.json`.
    pub fn detect(path: &Path, selector: &Selector, options: &TreeOptions) -> Result<Self> {
        let is_image = |name: &str| path.join(name).is_file();
        if path.is_dir() && !is_image("oci-layout") && !is_image("manifest.json") {
            if selector.reference.is_some() || selector.platform.is_some() {
                let path = path.display();
                return Err(Error::Option(format!(
                    "{path} is a root directory; an image cannot be picked from it"
                )));
            }
            return Self::directory(path, options);
        }
        Self::archive(path, selector, options)
    }

    /// Checks that programs of the image run on a machine.
    ///
    /// # Errors
    /// When its config names another architecture.
    pub fn check_architecture(&self, arch: Arch) -> Result<()> {
        // The values are those of Go's GOARCH (OCI image specification, "Image Configuration").
        let expected = match arch {
            Arch::X86_64 => "amd64",
            Arch::Aarch64 => "arm64",
        };
        match &self.architecture {
            Some(found) if found != expected => Err(Error::Option(format!(
                "the container image is for {}, but the enclave image is for {arch} ({expected}); pick \
                 another with --platform, or give --arch with a kernel and an init for it",
                letsesign_shown::line(found)
            ))),
            _ => Ok(()),
        }
    }

    /// Takes a directory as the root file system.
    pub fn directory(path: &Path, options: &TreeOptions) -> Result<Self> {
        let tree = Tree::from_directory(path, options)?;
        Ok(Source {
            tree,
            process: Process::default(),
            name: None,
            architecture: None,
            kind: "root directory",
        })
    }

    /// Opens a container image and flattens its layers.
    pub fn archive(path: &Path, selector: &Selector, options: &TreeOptions) -> Result<Self> {
        let archive = Archive::open(path, &Limits::default())?;
        let image = archive.image(selector)?;
        let process = process(&image)?;
        // An OCI reference that is a tag alone stands as `:TAG` in the list.
        let name = image
            .tags()
            .first()
            .map(|tag| tag.strip_prefix(':').unwrap_or(tag).to_owned());
        let architecture = image.config_value().get("architecture");
        let architecture = architecture
            .and_then(|value| value.as_str())
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        Ok(Source {
            tree: image.flatten(options)?,
            process,
            name,
            architecture,
            kind: "container image",
        })
    }
}

fn process(image: &Image) -> Result<Process> {
    let config = image.config()?;
    let Some(config) = config.config() else {
        // The specification makes it optional; --exec can stand in.
        return Ok(Process::default());
    };
    let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    Ok(Process {
        entrypoint: list(config.entrypoint()),
        cmd: list(config.cmd()),
        env: list(config.env()),
        user: config.user().clone(),
        working_dir: config.working_dir().clone(),
    })
}
