//! Archives with manifest.json and index.json: one tool goes by the one, another by the other.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;
use serde_json::{Value, json};
use support::layout::*;
use support::*;

fn layer(content: &str) -> Vec<u8> {
    tar(&[file("a", content)])
}

/// An archive that describes its images twice, before its two lists are written.
struct Both {
    layout: Layout,
    docker: Vec<Value>,
    oci: Vec<Value>,
}

impl Both {
    fn new() -> Self {
        Self {
            layout: Layout::new(),
            docker: Vec::new(),
            oci: Vec::new(),
        }
    }

    fn docker(mut self, content: &str, tags: &[&str]) -> Self {
        let layer = layer(content);
        let config = self
            .layout
            .blob(CONFIG, config(std::slice::from_ref(&layer)).as_bytes());
        let layer = self.layout.blob(LAYER, &layer);
        let path = |descriptor: &Value| {
            descriptor["digest"]
                .as_str()
                .unwrap()
                .replace("sha256:", "blobs/sha256/")
        };
        self.docker
            .push(json!({"Config": path(&config), "RepoTags": tags, "Layers": [path(&layer)]}));
        self
    }

    fn oci(mut self, content: &str, name: &str) -> Self {
        let image = self.layout.image(&[layer(content)]);
        self.oci.push(if name.is_empty() {
            image
        } else {
            named(image, name)
        });
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        self.layout
            .put("manifest.json", Value::Array(self.docker).to_string());
        self.layout.index(&self.oci);
        self.layout.tar()
    }
}

fn tags(archive: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    open(&put(folder.path(), "i.tar", archive))
        .unwrap()
        .tags()
        .to_vec()
}

#[test]
fn both_descriptions_must_list_the_same_images() {
    let full = "docker.io/library/t:1";
    let honest = Both::new()
        .docker("good", &["t:1"])
        .oci("good", full)
        .bytes();
    assert_eq!(
        digests(&honest).unwrap(),
        digests(&docker_archive(&[layer("good")])).unwrap()
    );

    let differ = "describe different images";
    let one = |content: &str| Both::new().docker("good", &["t:1"]).oci(content, full);
    refused("another image", &one("evil").bytes(), differ);
    refused(
        "one more in index.json",
        &one("good").oci("evil", "docker.io/library/u:1").bytes(),
        differ,
    );
    refused(
        "a nameless one in index.json",
        &one("good").oci("evil", "").bytes(),
        differ,
    );
    refused(
        "one more in manifest.json",
        &one("good").docker("evil", &["u:1"]).bytes(),
        differ,
    );
    // skopeo reads index.json without asking for oci-layout.
    let mut bare = one("evil");
    bare.layout.files.remove("oci-layout");
    refused("without oci-layout", &bare.bytes(), differ);
    let mut bare = Both::new().docker("good", &["t:1"]).oci("good", full);
    bare.layout.files.remove("oci-layout");
    assert!(digests(&bare.bytes()).is_ok());
}

#[test]
fn a_name_means_one_image() {
    let two = || Both::new().docker("1", &["t:1"]).docker("2", &["t:2"]);
    let archive = |one: &str, other: &str| two().oci("1", one).oci("2", other).bytes();
    let (first, second) = ("docker.io/library/t:1", "docker.io/library/t:2");
    let folder = tempfile::tempdir().unwrap();
    let find = |bytes: &[u8], name: &str| {
        let path = put(folder.path(), "i.tar", bytes);
        let selector = canoni::Selector {
            reference: Some(name.into()),
            platform: None,
        };
        canoni::Archive::open(&path, &canoni::Limits::default())?.image(&selector)
    };
    let good = archive(first, second);
    assert_ne!(
        find(&good, "t:1").unwrap().config_json(),
        find(&good, "t:2").unwrap().config_json()
    );
    let swapped = "is one image in manifest.json and another in index.json";
    for bytes in [
        archive(second, first),
        archive(first, first),
        archive(second, ""),
    ] {
        let error = find(&bytes, "t:1").unwrap_err().to_string();
        assert!(error.contains(swapped), "{error}");
    }
    let bytes = Both::new()
        .docker("1", &["t:1"])
        .docker("2", &["t:1"])
        .oci("1", first)
        .oci("2", second)
        .bytes();
    let error = find(&bytes, "t:1").unwrap_err().to_string();
    assert!(
        error.contains("gives the name t:1 to two images"),
        "{error}"
    );
}

#[test]
fn names_that_only_one_gives_are_kept() {
    let bytes = Both::new()
        .docker("1", &["t:1", "mine:2"])
        .oci("1", "ghcr.io/x/y:3")
        .bytes();
    assert_eq!(tags(&bytes), ["t:1", "mine:2", "ghcr.io/x/y:3"]);
    let same = Both::new()
        .docker("1", &["t:1"])
        .oci("1", "docker.io/library/t:1")
        .bytes();
    assert_eq!(
        tags(&same),
        ["t:1"],
        "one name in two spellings is one name"
    );
}

#[test]
fn the_two_names_of_a_descriptor_agree() {
    let mut layout = Layout::new();
    let mut image = named(layout.image(&[layer("1")]), "docker.io/library/t:1");
    image["annotations"]["org.opencontainers.image.ref.name"] = "2".into();
    layout.index(&[image]);
    refused("names", &layout.tar(), "which differ in the tag");
}

/// skopeo knows no attestations: it takes the first descriptor with the right name, or with the
/// right platform.
#[test]
fn an_image_that_claims_to_be_an_attestation() {
    let kind = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let reference = json!({"org.opencontainers.image.ref.name": "1"});
    let unknown = json!({"architecture": "unknown", "os": "unknown"});
    let amd = json!({"architecture": "amd64", "os": "linux"});
    let marked = "is marked as an attestation but has a name or a platform";
    for (annotations, platform, words) in [
        (&kind, Some(&amd), Some(marked)),
        (&kind, None, Some(marked)),
        (&reference, Some(&unknown), Some(marked)),
        (&kind, Some(&unknown), None),
        (&json!({}), Some(&unknown), None),
    ] {
        let mut layout = Layout::new();
        let mut evil = layout.image(&[layer("evil")]);
        evil["annotations"] = annotations.clone();
        if let Some(platform) = platform {
            evil["platform"] = platform.clone();
        }
        let mut good = layout.image(&[layer("good")]);
        good["annotations"] = reference.clone();
        good["platform"] = amd.clone();
        layout.index(&[evil, good]);
        match words {
            Some(words) => refused("attestation", &layout.tar(), words),
            None => assert_eq!(
                digests(&layout.tar()),
                digests(&oci_archive(&[layer("good")]))
            ),
        }
    }
}

/// skopeo copies an OCI layout's layers as they are, so they count although canoni takes
/// manifest.json's.
#[test]
fn layers_behind_index_json_are_compared_too() {
    let good = layer("good");
    let mut both = Both::new().docker("good", &["t:1"]);
    let image = both
        .layout
        .image_with(&config(std::slice::from_ref(&good)), &[layer("evil")]);
    both.oci.push(named(image, "docker.io/library/t:1"));
    refused("evil layer", &both.bytes(), "has digest sha256:");
    // The same layer, compressed, is the same layer.
    let mut both = Both::new().docker("good", &["t:1"]);
    let packed =
        ruzstd::encoding::compress_to_vec(&good[..], ruzstd::encoding::CompressionLevel::Fastest);
    let image = both
        .layout
        .image_with(&config(std::slice::from_ref(&good)), &[packed]);
    both.oci.push(named(image, "docker.io/library/t:1"));
    assert_eq!(
        digests(&both.bytes()).unwrap(),
        digests(&docker_archive(&[good])).unwrap()
    );
}

/// containerd lists one platform in manifest.json, all of them in index.json.
#[test]
fn other_platforms_of_one_name_are_chosen_not_guessed() {
    let mut both = Both::new().docker("good", &["t:1"]);
    let good = layer("good");
    let mut amd = both.layout.image(std::slice::from_ref(&good));
    amd["platform"] = json!({"architecture": "amd64", "os": "linux"});
    let text = config(std::slice::from_ref(&good)).replace("amd64", "arm64");
    let mut arm = both.layout.image_with(&text, &[good]);
    arm["platform"] = json!({"architecture": "arm64", "os": "linux"});
    let nested = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd, arm]});
    let nested = both.layout.blob(INDEX, nested.to_string().as_bytes());
    both.oci.push(named(nested, "docker.io/library/t:1"));
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", &both.bytes());
    let archive = canoni::Archive::open(&path, &canoni::Limits::default()).unwrap();
    let pick = |platform: Option<&str>| {
        archive.image(&canoni::Selector {
            reference: None,
            platform: platform.map(str::to_owned),
        })
    };
    let error = pick(None).unwrap_err().to_string();
    assert!(error.contains("for several platforms"), "{error}");
    for platform in ["linux/amd64", "linux/arm64"] {
        assert_eq!(pick(Some(platform)).unwrap().platform(), platform);
    }
    assert_eq!(archive.platforms(None).unwrap().len(), 2);
}

/// Docker 25 writes this for an image that is saved by its ID.
#[test]
fn an_empty_index_beside_manifest_json() {
    let mut both = Both::new().docker("good", &[]);
    both.layout.put(
        "manifest.json",
        Value::Array(both.docker.clone()).to_string(),
    );
    both.layout
        .put("index.json", r#"{"schemaVersion":2,"manifests":null}"#);
    assert!(digests(&both.layout.tar()).is_ok());
    // skopeo takes the only manifest of an index, whatever its platform.
    let mut evil = both.layout.image(&[layer("evil")]);
    evil["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    both.layout.index(&[evil]);
    refused(
        "an attestation",
        &both.layout.tar(),
        "describe different images",
    );
    both.layout
        .put("index.json", r#"{"schemaVersion":2,"manifests":null}"#);
    both.layout.files.remove("manifest.json");
    refused("alone", &both.layout.tar(), "lists no image");
}

#[test]
fn a_tag_alone_stays_one() {
    let mut layout = Layout::new();
    let mut image = layout.image(&[layer("1")]);
    let mut twice = Vec::new();
    for tag in ["1.0", "latest"] {
        image["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        twice.push(image.clone());
    }
    layout.index(&twice);
    assert_eq!(
        tags(&layout.tar()),
        [":1.0", ":latest"],
        "one image with two names"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", &layout.tar());
    let archive = canoni::Archive::open(&path, &canoni::Limits::default()).unwrap();
    let selector = canoni::Selector {
        reference: Some("1.0".into()),
        platform: None,
    };
    let image = archive.image(&selector).unwrap();
    let options = canoni::CanonicalOptions {
        tags: [image.tags(), &["app@sha256:00".to_owned()]].concat(),
        ..Default::default()
    };
    let written = folder.path().join("o");
    let canonical = canoni::Canonical::from_image(&image, &options).unwrap();
    assert_eq!(
        canonical.tags(),
        [":1.0", ":latest"],
        "Docker takes no name with a digest"
    );
    canonical.write(&written, canoni::Format::OciDir).unwrap();
    let index = std::fs::read_to_string(written.join("index.json")).unwrap();
    assert!(
        index.contains(r#"{"annotations":{"org.opencontainers.image.ref.name":"1.0"},"#),
        "{index}"
    );
    assert_eq!(open(&written).unwrap().tags(), [":1.0", ":latest"]);
}
