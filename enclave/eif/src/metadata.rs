//! The metadata section: JSON that describes the build. It is not measured, so nothing may trust
//! it.
//!
//! The field names and their order are those of `EifIdentityInfo` in AWS's
//! `aws-nitro-enclaves-image-format`, whose reader (and so `nitro-cli describe-eif`) refuses a file
//! that lacks one of them. `BuildTime` is therefore present, and empty: a time would make two
//! builds of one source differ.

use crate::rule::{Rule, Violation};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Largest metadata section that is written or read, in bytes.
pub const MAX_METADATA: u64 = 1 << 20;

/// How the image was built. Empty strings where there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildMetadata {
    /// RFC 3339 time. Empty in images of this crate.
    #[serde(rename = "BuildTime")]
    pub build_time: String,
    /// Name of the program that wrote the image.
    #[serde(rename = "BuildTool")]
    pub build_tool: String,
    /// Its version.
    #[serde(rename = "BuildToolVersion")]
    pub build_tool_version: String,
    /// Operating system. Empty in images of this crate: the kernel itself is in the image.
    #[serde(rename = "OperatingSystem")]
    pub operating_system: String,
    /// Kernel version. Empty in images of this crate, for the same reason.
    #[serde(rename = "KernelVersion")]
    pub kernel_version: String,
}

/// The whole metadata section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Name of the image.
    #[serde(rename = "ImageName")]
    pub image_name: String,
    /// Version of the image.
    #[serde(rename = "ImageVersion")]
    pub image_version: String,
    /// How it was built.
    #[serde(rename = "BuildMetadata")]
    pub build: BuildMetadata,
    /// Docker's description of the image, which nitro-cli fills in; null in images of this crate.
    #[serde(rename = "DockerInfo")]
    pub docker_info: Value,
    /// Further metadata from the builder; null in images of this crate.
    #[serde(rename = "CustomMetadata")]
    pub custom: Value,
}

impl Metadata {
    /// Metadata of an image that this crate builds: name, version, and this tool with its version.
    pub fn new(image_name: impl Into<String>, image_version: impl Into<String>) -> Self {
        Metadata {
            image_name: image_name.into(),
            image_version: image_version.into(),
            build: BuildMetadata {
                build_time: String::new(),
                build_tool: env!("CARGO_PKG_NAME").to_owned(),
                build_tool_version: env!("CARGO_PKG_VERSION").to_owned(),
                operating_system: String::new(),
                kernel_version: String::new(),
            },
            docker_info: Value::Null,
            custom: Value::Null,
        }
    }

    /// The section's contents: compact JSON, members in the order above.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Serialising strings and JSON values into memory cannot fail; an empty section would be
        // refused by any reader.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Parses a section's contents found at `offset` of a file.
    pub fn from_bytes(bytes: &[u8], offset: u64) -> Result<Self, Violation> {
        serde_json::from_slice(bytes).map_err(|error| {
            Violation::new(Rule::Metadata, offset, format!("bad metadata: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_fixed() {
        let text = String::from_utf8(Metadata::new("app", "1.2").to_bytes()).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            text,
            format!(
                "{{\"ImageName\":\"app\",\"ImageVersion\":\"1.2\",\"BuildMetadata\":{{\"BuildTime\":\"\",\"BuildTool\":\"eif\",\
                 \"BuildToolVersion\":\"{version}\",\"OperatingSystem\":\"\",\"KernelVersion\":\"\"}},\"DockerInfo\":null,\
                 \"CustomMetadata\":null}}"
            )
        );
        assert_eq!(
            Metadata::from_bytes(text.as_bytes(), 0).unwrap(),
            Metadata::new("app", "1.2")
        );
    }

    #[test]
    fn fields_that_aws_needs_are_needed() {
        let error = Metadata::from_bytes(b"{\"ImageName\":\"x\"}", 77).unwrap_err();
        assert_eq!((error.rule, error.offset), (Rule::Metadata, 77));
        assert!(error.detail.contains("ImageVersion"), "{error}");
    }
}
