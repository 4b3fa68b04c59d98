//! OCI layouts: names, platforms, media types, compression, and what is not an image.

use super::support::layout::{CONFIG, INDEX, LAYER, Layout, MANIFEST};
use super::support::*;
use super::{Case, PLAIN, config_of, image, plain, refusal_of};
use serde_json::{Value, json};
use sha2::Digest;

/// A manifest and its parts.
pub(crate) struct Parts {
    pub(crate) config: Value,
    pub(crate) config_type: &'static str,
    pub(crate) layer_type: &'static str,
    /// Of the layer's descriptor.
    pub(crate) layer_more: Value,
    /// The layer as it lies in the layout.
    pub(crate) blob: Vec<u8>,
    /// Of the manifest.
    pub(crate) more: Value,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            config: config_of(&[plain()]),
            config_type: CONFIG,
            layer_type: LAYER,
            layer_more: json!({}),
            blob: plain(),
            more: json!({}),
        }
    }
}

/// Adds the members of an object.
fn extend(value: &mut Value, more: Value) {
    if let (Value::Object(value), Value::Object(more)) = (value, more) {
        value.extend(more);
    }
}

impl Parts {
    /// Adds all to a layout. The value is the manifest's descriptor.
    fn put(self, layout: &mut Layout) -> Value {
        let config = layout.blob(self.config_type, self.config.to_string().as_bytes());
        let mut layer = layout.blob(self.layer_type, &self.blob);
        extend(&mut layer, self.layer_more);
        let mut manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
        extend(&mut manifest, self.more);
        let kind = manifest["mediaType"].as_str().unwrap().to_owned();
        layout.blob(&kind, manifest.to_string().as_bytes())
    }

    /// The layout of this alone.
    pub(crate) fn tar(self) -> Vec<u8> {
        let mut layout = Layout::new();
        let manifest = self.put(&mut layout);
        layout.index(&[manifest]);
        layout.tar()
    }
}

fn with(mut descriptor: Value, member: &str, value: Value) -> Value {
    descriptor[member] = value;
    descriptor
}

/// With the annotation that skopeo and umoci go by.
fn reference(descriptor: Value, name: &str) -> Value {
    let annotations = json!({"org.opencontainers.image.ref.name": name});
    with(descriptor, "annotations", annotations)
}

pub(crate) fn cases() -> Vec<Case> {
    [names(), indexes(), media_types(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn names() -> Vec<Case> {
    let list = |names: &[&str]| {
        let mut layout = Layout::new();
        let manifest = Parts::default().put(&mut layout);
        let all: Vec<_> = names
            .iter()
            .map(|name| reference(manifest.clone(), name))
            .collect();
        layout.index(&all);
        layout.tar()
    };
    let digest = format!("app@sha256:{}", "a".repeat(64));
    vec![
        image("tag-only", list(&["1.0"]), PLAIN),
        image("two-tags", list(&["1.0", "latest"]), PLAIN),
        image("name-digest", list(&[&digest]), PLAIN),
    ]
}

/// Indexes within `index.json`, as BuildKit and others write them.
fn indexes() -> Vec<Case> {
    let nested = |make: &dyn Fn(&mut Layout) -> Vec<Value>| {
        let mut layout = Layout::new();
        let manifests = make(&mut layout);
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        let index = layout.blob(INDEX, index.to_string().as_bytes());
        layout.index(&[reference(index, "1")]);
        layout.tar()
    };
    let for_arch = |layout: &mut Layout, arch: &str| {
        let mut config = config_of(&[plain()]);
        config["architecture"] = arch.into();
        let parts = Parts {
            config,
            ..Parts::default()
        };
        let platform = json!({"architecture": arch, "os": "linux"});
        with(parts.put(layout), "platform", platform)
    };
    let attestation = |layout: &mut Layout, of: &Value| {
        let statement = br#"{"_type":"https://in-toto.io/Statement/v0.1"}"#.to_vec();
        let parts = Parts {
            config: config_of(std::slice::from_ref(&statement)),
            layer_type: "application/vnd.in-toto+json",
            blob: statement,
            ..Parts::default()
        };
        let platform = json!({"architecture": "unknown", "os": "unknown"});
        let annotations = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": of["digest"],
        });
        let one = with(parts.put(layout), "platform", platform);
        with(one, "annotations", annotations)
    };
    let one = nested(&|layout| {
        let image = for_arch(layout, "amd64");
        let attestation = attestation(layout, &image);
        vec![image, attestation]
    });
    let several = nested(&|layout| {
        let image = for_arch(layout, "amd64");
        let other = for_arch(layout, "arm64");
        let attestation = attestation(layout, &image);
        vec![image, other, attestation]
    });
    let unnamed = nested(&|layout| vec![Parts::default().put(layout)]);
    let mut signed = Layout::new();
    let kind = |name: &str| json!({"dev.cosignproject.cosign/kind": format!("dev.cosignproject.cosign/{name}")});
    let signature = Parts {
        config: config_of(&[b"{}".to_vec()]),
        layer_type: "application/vnd.dev.cosign.simplesigning.v1+json",
        blob: b"{}".to_vec(),
        ..Parts::default()
    };
    let manifests = [
        with(
            Parts::default().put(&mut signed),
            "annotations",
            kind("image"),
        ),
        with(signature.put(&mut signed), "annotations", kind("sigs")),
    ];
    signed.index(&manifests);
    vec![
        image("attestation", one, PLAIN),
        refusal_of(
            "attestation-multi",
            several,
            "choose one with --platform (it holds linux/amd64, linux/arm64)",
        ),
        image("sub-index-no-platform", unnamed, PLAIN),
        image("cosign-in-index", signed.tar(), PLAIN),
    ]
}

fn media_types() -> Vec<Case> {
    let foreign = || Parts {
        layer_type: "application/vnd.oci.image.layer.nondistributable.v1.tar",
        ..Parts::default()
    };
    let docker = Parts {
        config_type: "application/vnd.docker.container.image.v1+json",
        layer_type: "application/vnd.docker.image.rootfs.diff.tar.gzip",
        blob: super::packings::gzip(&plain()),
        more: json!({"mediaType": "application/vnd.docker.distribution.manifest.v2+json"}),
        ..Parts::default()
    };
    let mut absent = Layout::new();
    let elsewhere = Parts {
        layer_more: json!({"urls": ["https://example.com/x"]}),
        ..foreign()
    };
    let manifest = elsewhere.put(&mut absent);
    absent.index(&[manifest]);
    absent
        .files
        .remove(&format!("blobs/sha256/{}", sha256(&plain())));
    let encrypted = Parts {
        layer_type: "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        ..Parts::default()
    };
    vec![
        image("docker-mt", docker.tar(), PLAIN),
        image("foreign-present", foreign().tar(), PLAIN),
        refusal_of(
            "foreign-absent",
            absent.tar(),
            "the image is incomplete (a foreign layer, which lies elsewhere",
        ),
        refusal_of(
            "encrypted",
            encrypted.tar(),
            "is encrypted (application/vnd.oci.image.layer.v1.tar+gzip+encrypted)",
        ),
    ]
}

fn others() -> Vec<Case> {
    let artifact = Parts {
        config: json!({}),
        config_type: "application/vnd.oci.empty.v1+json",
        layer_type: "text/plain",
        blob: b"hello".to_vec(),
        more: json!({"artifactType": "application/x"}),
        ..Parts::default()
    };
    let subject = json!({
        "mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 1,
    });
    let annotations = json!({"org.opencontainers.image.source": "x"});
    let referring = Parts {
        more: json!({"annotations": annotations, "subject": subject}),
        ..Parts::default()
    };
    let mut old = Layout::new();
    let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let manifest = old.blob(kind, br#"{"schemaVersion":1}"#);
    old.index(&[manifest]);
    let mut sha512 = Layout::new();
    let digest = hex::encode(sha2::Sha512::digest(plain()));
    sha512.put(&format!("blobs/sha512/{digest}"), plain());
    let longer = Parts {
        layer_more: json!({"digest": format!("sha512:{digest}")}),
        ..Parts::default()
    };
    let manifest = longer.put(&mut sha512);
    sha512.index(&[manifest]);
    vec![
        refusal_of(
            "artifact",
            artifact.tar(),
            "is an OCI artifact (application/x), which has no root file system",
        ),
        image("subject-annot", referring.tar(), PLAIN),
        refusal_of(
            "schema1",
            old.tar(),
            "is a Docker manifest of schema 1, which has no config",
        ),
        refusal_of(
            "sha512",
            sha512.tar(),
            "only sha256 with 64 lower-case digits is supported",
        ),
    ]
}
