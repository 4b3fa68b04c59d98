//! Images that go to a registry.

use anyhow::{Result, bail};
use canoni::{RegistryName, RegistryOptions};
use std::path::Path;

/// Pushes the OCI layout of an image with this digest.
#[cfg(feature = "registry")]
pub(super) fn push(
    name: &RegistryName,
    layout: &Path,
    options: &RegistryOptions,
    digest: &str,
) -> Result<()> {
    let pushed = canoni::registry::push(name, layout, options)?;
    // The printed digest is the one that the registry has.
    if pushed != digest {
        bail!("docker://{name}: {pushed} was pushed instead of {digest}");
    }
    Ok(())
}

#[cfg(not(feature = "registry"))]
pub(super) fn push(name: &RegistryName, _: &Path, _: &RegistryOptions, _: &str) -> Result<()> {
    bail!(
        "docker://{name}: registries are not asked by this build; write oci-archive:FILE and use \
         skopeo copy oci-archive:FILE docker://{name}"
    )
}
