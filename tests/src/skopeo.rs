//! skopeo, the other reader and writer of container images.

/// Copies an image from one reference to another (containers-transports(5)), registries asked over
/// HTTP.
///
/// # Errors
/// skopeo's error output, and where it cannot be run.
pub fn copy(from: &str, to: &str) -> Result<(), String> {
    let arguments = [
        "copy",
        "--quiet",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        from,
        to,
    ];
    crate::run("skopeo", &arguments).map(drop)
}
