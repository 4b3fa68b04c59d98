//! Where a file tree and its process come from: a container image or a root directory.

use crate::bundle::Process;
use crate::error::{Error, Result};
use crate::format::Arch;
use canoni::{Image, Limits, Opened, Reference, Selector, Tree, TreeOptions};
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
    /// The kind of input, for messages: `root directory`, `container image`.
    pub kind: &'static str,
}

impl Source {
    /// Opens what a command line names: a docker-archive (tar), an OCI layout (tar or directory) or
    /// a root directory, by its content, or an image with its transport ([`Reference`]). A
    /// directory is a root directory when it holds neither `oci-layout` nor `manifest.json` and no
    /// transport is named.
    ///
    /// # Errors
    /// When it cannot be opened, or is not of the kind that its transport says.
    pub fn detect(
        argument: &Path,
        selector: &Selector,
        options: &TreeOptions,
        limits: &Limits,
    ) -> Result<Self> {
        let reference = Reference::parse(argument.as_os_str())
            .map_err(|error| Error::Option(error.to_string()))?;
        let Reference::Path(path) = &reference else {
            return Self::image(&reference, selector, options, limits);
        };
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
        Self::image(&reference, selector, options, limits)
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
                letsesign_escape::line(found)
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
        let reference = Reference::Path(path.to_owned());
        Self::image(&reference, selector, options, &Limits::default())
    }

    fn image(
        reference: &Reference,
        selector: &Selector,
        options: &TreeOptions,
        limits: &Limits,
    ) -> Result<Self> {
        let Opened { archive, selector } = canoni::open(reference, selector, limits)?;
        Self::of(&archive.image(&selector)?, options)
    }

    /// Flattens the layers of an image.
    pub fn of(image: &Image, options: &TreeOptions) -> Result<Self> {
        let process = process(image)?;
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
        // The specification makes it optional; --exec replaces it.
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
