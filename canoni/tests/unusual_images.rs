//! Images that other tools make differently: artifacts beside images, platforms that no index
//! names, short histories, old manifests. Each is taken, or refused in a sentence.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod engines;
mod support;
use serde_json::{Value, json};
use support::layout::{CONFIG, INDEX, LAYER, Layout, MANIFEST, named};
use support::*;

fn layer() -> Vec<u8> {
    tar(&[dir("etc"), file("etc/a", "hello\n")])
}

/// A manifest of these media types: config, one layer; with more members.
fn manifest(layout: &mut Layout, config_type: &str, layer_type: &str, more: Value) -> Value {
    let layer = layer();
    let config = layout.blob(config_type, config(std::slice::from_ref(&layer)).as_bytes());
    let mut layer = layout.blob(layer_type, &layer);
    if let (Value::Object(layer), Value::Object(more)) = (&mut layer, more) {
        layer.extend(more);
    }
    let manifest =
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    layout.blob(MANIFEST, manifest.to_string().as_bytes())
}

/// `artifact`, `cosign-in-index`
#[test]
fn artifacts_are_no_images() {
    let image = |layout: &mut Layout| layout.image(&[layer()]);
    let signature = |layout: &mut Layout| {
        manifest(
            layout,
            CONFIG,
            "application/vnd.dev.cosign.simplesigning.v1+json",
            json!({}),
        )
    };
    let mut layout = Layout::new();
    let empty = "application/vnd.oci.empty.v1+json";
    let artifact = manifest(&mut layout, empty, "text/plain", json!({}));
    layout.index(std::slice::from_ref(&artifact));
    refused(
        "artifact",
        &layout.tar(),
        "is an OCI artifact (application/vnd.oci.empty.v1+json)",
    );

    // A signature beside the image changes nothing.
    let mut layout = Layout::new();
    let only = image(&mut layout);
    layout.index(std::slice::from_ref(&only));
    let alone = digests(&layout.tar()).unwrap();
    let signature = signature(&mut layout);
    layout.index(&[only.clone(), signature.clone()]);
    assert_eq!(digests(&layout.tar()).unwrap(), alone);
    // Under the image's name it could be taken for it.
    layout.index(&[named(only, "app:1"), named(signature, "app:1")]);
    refused("one name", &layout.tar(), "to an image and to the artifact");
}

/// An index need not name platforms; the configs do.
#[test]
fn platforms_that_no_index_names() {
    let mut layout = Layout::new();
    let layer = layer();
    let config = config(std::slice::from_ref(&layer));
    let mut images = Vec::new();
    for arch in ["amd64", "arm64"] {
        let config = config.replace("amd64", arch);
        images.push(layout.image_with(&config, std::slice::from_ref(&layer)));
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
    let index = layout.blob(INDEX, index.to_string().as_bytes());
    layout.index(&[named(index, "app:1")]);
    let archive = layout.tar();
    refused(
        "unnamed",
        &archive,
        "choose one with --platform (it holds linux/amd64, linux/arm64)",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", &archive);
    let archive = canoni::Archive::open(&path, &canoni::Limits::default()).unwrap();
    for platform in ["linux/amd64", "linux/arm64"] {
        let selector = canoni::Selector {
            platform: Some(platform.to_owned()),
            ..Default::default()
        };
        assert_eq!(archive.image(&selector).unwrap().platform(), platform);
    }
}

/// `sub-index-no-platform`
#[test]
fn one_image_without_a_platform_is_no_choice() {
    let mut layout = Layout::new();
    let image = layout.image(&[layer()]);
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [image]});
    let index = layout.blob(INDEX, index.to_string().as_bytes());
    layout.index(&[named(index, "app:1")]);
    assert_eq!(digests(&layout.tar()), digests(&docker_archive(&[layer()])));
}

/// `schema1`, `encrypted`, `foreign-present`, `foreign-absent`
#[test]
fn manifests_that_lead_nowhere() {
    let mut layout = Layout::new();
    let old = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let old = layout.blob(old, br#"{"schemaVersion":1}"#);
    layout.index(&[old]);
    refused(
        "schema1",
        &layout.tar(),
        "schema 1, which has no config; skopeo copy",
    );

    let with = |kind: &str, more: Value, keep: bool| {
        let mut layout = Layout::new();
        let image = manifest(&mut layout, CONFIG, kind, more);
        layout.index(&[image]);
        if !keep {
            let name = format!("blobs/sha256/{}", sha256(&layer()));
            layout.files.remove(&name).unwrap();
        }
        layout.tar()
    };
    let encrypted = format!("{LAYER}+gzip+encrypted");
    refused(
        "encrypted",
        &with(&encrypted, json!({}), true),
        "is encrypted",
    );
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    let urls = json!({"urls": ["https://example.com/x"]});
    assert!(digests(&with(foreign, urls.clone(), true)).is_ok());
    refused(
        "foreign",
        &with(foreign, urls, false),
        "a foreign layer, which lies elsewhere",
    );
}

/// An archive of two layers whose config has another history.
fn with_history(history: &Value) -> Vec<u8> {
    let layers = [layer(), tar(&[file("b", "x")])];
    let mut value: Value = serde_json::from_str(&config(&layers)).unwrap();
    value["history"] = history.clone();
    let mut layout = Layout::new();
    let image = layout.image_with(&value.to_string(), &layers);
    layout.index(&[named(image, "app:1")]);
    layout.tar()
}

/// `partial-history`, `no-history-two`, `history-too-many`
#[test]
fn histories_of_other_lengths() {
    let entry = json!({"created_by": "x"});
    for length in 0..=2 {
        let archive = with_history(&vec![entry.clone(); length].into());
        digests(&archive).unwrap_or_else(|error| panic!("{length}: {error}"));
        // Once more changes nothing.
        let once = engines::canonical(&archive);
        assert_eq!(engines::canonical(&once), once, "{length}");
    }
    let empty = json!({"created_by": "y", "empty_layer": true});
    assert!(digests(&with_history(&json!([entry, empty, entry, empty]))).is_ok());
    let error = digest(&with_history(&json!([entry, entry, entry])), false).unwrap_err();
    assert!(
        error.contains("history of 3 layers, but 2 layers, for which docker history fails"),
        "{error}"
    );
    assert!(error.contains("--flatten writes a new history"), "{error}");
}

/// The canonical form of a short history is taken by umoci and podman.
#[test]
fn engines_take_a_short_history() {
    if let Err(reason) = engines::ready() {
        return letsesign_tests::skip(&reason);
    }
    let archive = engines::canonical(&with_history(&json!([{"created_by": "x"}])));
    let lines = [
        "b 644 0:0 file x",
        "etc 755 0:0 dir",
        "etc/a 644 0:0 file hello\n",
    ];
    assert_eq!(engines::umoci(&archive).unwrap(), lines);
    assert_eq!(engines::podman(&archive).unwrap(), lines);
}
