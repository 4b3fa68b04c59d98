//! The documents of images, as far as Go's readers know their members.

/// The type of a value in a known document.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Not looked into: numbers, texts, lists of them, and objects with free keys.
    Free,
    /// A list of such values.
    List(&'static Shape),
    /// An object with these members and maybe others.
    Object(&'static [(&'static str, &'static Shape)]),
}

use Shape::{Free, List, Object};

/// `oci-layout`.
pub(crate) const LAYOUT: Shape = Object(&[("imageLayoutVersion", &Free)]);

const PLATFORM: Shape = Object(&[
    ("architecture", &Free),
    ("features", &Free),
    ("os", &Free),
    ("os.features", &Free),
    ("os.version", &Free),
    ("variant", &Free),
]);

const DESCRIPTOR: Shape = Object(&[
    ("annotations", &Free),
    ("artifactType", &Free),
    ("data", &Free),
    ("digest", &Free),
    ("mediaType", &Free),
    ("platform", &PLATFORM),
    ("size", &Free),
    ("urls", &Free),
]);

/// An image's manifest or an index of images: one shape for both, so that a document that is half
/// one and half the other is seen as that.
pub(crate) const MANIFEST: Shape = Object(&[
    ("annotations", &Free),
    ("artifactType", &Free),
    ("config", &DESCRIPTOR),
    ("fsLayers", &Free),
    ("history", &Free),
    ("layers", &List(&DESCRIPTOR)),
    ("manifests", &List(&DESCRIPTOR)),
    ("mediaType", &Free),
    ("schemaVersion", &Free),
    ("subject", &DESCRIPTOR),
]);

/// `manifest.json` of a docker-archive.
pub(crate) const DOCKER_MANIFEST: Shape = List(&Object(&[
    ("Config", &Free),
    ("LayerSources", &Free),
    ("Layers", &Free),
    ("Parent", &Free),
    ("RepoTags", &Free),
]));

const SETTINGS: Shape = Object(&[
    ("ArgsEscaped", &Free),
    ("AttachStderr", &Free),
    ("AttachStdin", &Free),
    ("AttachStdout", &Free),
    ("Cmd", &Free),
    ("CpuShares", &Free),
    ("Domainname", &Free),
    ("Entrypoint", &Free),
    ("Env", &Free),
    ("ExposedPorts", &Free),
    (
        "Healthcheck",
        &Object(&[
            ("Interval", &Free),
            ("Retries", &Free),
            ("StartInterval", &Free),
            ("StartPeriod", &Free),
            ("Test", &Free),
            ("Timeout", &Free),
        ]),
    ),
    ("Hostname", &Free),
    ("Image", &Free),
    ("Labels", &Free),
    ("MacAddress", &Free),
    ("Memory", &Free),
    ("MemorySwap", &Free),
    ("NetworkDisabled", &Free),
    ("OnBuild", &Free),
    ("OpenStdin", &Free),
    ("PublishService", &Free),
    ("Shell", &Free),
    ("StdinOnce", &Free),
    ("StopSignal", &Free),
    ("StopTimeout", &Free),
    ("Tty", &Free),
    ("User", &Free),
    ("Volumes", &Free),
    ("WorkingDir", &Free),
]);

/// An image's config, with the members of Docker's.
pub(crate) const CONFIG: Shape = Object(&[
    ("Size", &Free),
    ("VirtualSize", &Free),
    ("architecture", &Free),
    ("author", &Free),
    ("checksum", &Free),
    ("comment", &Free),
    ("config", &SETTINGS),
    ("container", &Free),
    ("container_config", &SETTINGS),
    ("created", &Free),
    ("docker_version", &Free),
    (
        "history",
        &List(&Object(&[
            ("author", &Free),
            ("comment", &Free),
            ("created", &Free),
            ("created_by", &Free),
            ("empty_layer", &Free),
        ])),
    ),
    ("id", &Free),
    ("os", &Free),
    ("os.features", &Free),
    ("os.version", &Free),
    ("parent", &Free),
    (
        "rootfs",
        &Object(&[("base_layer", &Free), ("diff_ids", &Free), ("type", &Free)]),
    ),
    ("throwaway", &Free),
    ("variant", &Free),
]);
