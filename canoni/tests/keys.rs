//! Keys that differ in case, and numbers that readers round: Go reads one image, others another.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;
use serde_json::json;
use support::layout::*;
use support::*;

const TWICE: &str = "which some readers take for one and others for two";

fn layers() -> [Vec<u8>; 2] {
    [tar(&[file("good", "1")]), tar(&[file("evil", "2")])]
}

/// A docker-archive of one layer whose texts are changed before they are stored.
fn docker(config: &str, manifest: impl Fn(&str) -> String) -> Vec<u8> {
    let [layer, other] = layers();
    let manifest = manifest(r#"{"Config":"c.json","RepoTags":["t:1"],"Layers":["l.tar"]}"#);
    tar(&[
        file("c.json", config),
        file("l.tar", layer),
        file("evil.tar", other),
        file("manifest.json", format!("[{manifest}]")),
    ])
}

/// An OCI layout whose manifest and index are changed before they are stored.
fn oci(manifest: impl Fn(String) -> String, index: impl Fn(String) -> String) -> Vec<u8> {
    let [layer, evil] = layers();
    let mut layout = Layout::new();
    let config = layout.blob(CONFIG, config(std::slice::from_ref(&layer)).as_bytes());
    let layer = layout.blob(LAYER, &layer);
    let evil = layout.blob(LAYER, &evil);
    let text = json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string();
    let text = manifest(text).replace("EVIL", &evil.to_string());
    let image = layout.blob(MANIFEST, text.as_bytes());
    let text = json!({"schemaVersion": 2, "manifests": [image]}).to_string();
    layout.put("index.json", index(text));
    layout.tar()
}

fn plain() -> String {
    config(&layers()[..1])
}

#[test]
fn two_spellings_of_one_key() {
    let honest = digests(&docker(&plain(), str::to_owned)).unwrap();
    assert_eq!(digests(&oci(|m| m, |i| i)).unwrap(), honest);

    // Docker takes the later one: other layers, another config.
    for more in [
        r#""layers":["evil.tar"]"#,
        r#""LayerS":["evil.tar"]"#,
        "\"Layer\u{17f}\":[\"evil.tar\"]",
        r#""config":"evil.json""#,
        r#""repotags":["u:1"]"#,
        r#""own":1,"OWN":2"#,
    ] {
        let manifest = docker(&plain(), |text| {
            text.replacen('}', &format!(",{more}}}"), 1)
        });
        refused(more, &manifest, TWICE);
    }
    for (after, more) in [
        ("{", r#""Architecture":"arm64","#),
        ("{", r#""Config":{"Cmd":["/evil"]},"#),
        ("{", r#""ROOTFS":{},"#),
        ("\"config\":{", r#""cmd":["/evil"],"#),
        ("\"config\":{", "\"U\u{17f}er\":\"1\",\"User\":\"0\","),
        (
            "\"config\":{",
            r#""Healthcheck":{"Test":["a"],"TEST":["b"]},"#,
        ),
        ("\"rootfs\":{", r#""Diff_Ids":[],"#),
        ("\"rootfs\":{", "\"diff_id\u{17f}\":[],"),
        ("\"rootfs\":{", r#""Type":"other","#),
        (
            "\"history\":[{",
            r#""Empty_Layer":true,"empty_layer":false,"#,
        ),
    ] {
        let config = plain().replacen(after, &format!("{after}{more}"), 1);
        assert_ne!(config, plain());
        refused(more, &docker(&config, str::to_owned), TWICE);
    }
    for (after, more) in [
        ("{", r#""Layers":[EVIL],"#),
        ("{", r#""CONFIG":EVIL,"#),
        ("\"config\":{", r#""Digest":"sha256:0","#),
        ("\"layers\":[{", r#""DIGEST":"sha256:0","#),
        ("\"layers\":[{", r#""mediatype":"x","#),
        ("\"layers\":[{", "\"\u{17f}ize\":0,"),
    ] {
        let change = |text: String| text.replacen(after, &format!("{after}{more}"), 1);
        refused(more, &oci(change, |text| text), TWICE);
    }
    for (after, more) in [
        ("{", r#""Manifests":[],"#),
        ("\"manifests\":[{", r#""Digest":"sha256:0","#),
        (
            "\"manifests\":[{",
            r#""platform":{"os":"linux","OS":"windows","architecture":"a"},"#,
        ),
        (
            "\"manifests\":[{",
            r#""platform":{"os":"a","architecture":"a","os.Version":"1","os.version":"2"},"#,
        ),
    ] {
        let change = |text: String| text.replacen(after, &format!("{after}{more}"), 1);
        refused(more, &oci(|text| text, change), TWICE);
    }
    let mut layout = Layout::new();
    layout.put(
        "oci-layout",
        r#"{"imageLayoutVersion":"1.0.0","ImageLayoutVersion":"2"}"#,
    );
    let image = layout.image(&layers()[..1]);
    layout.index(&[image]);
    refused("oci-layout", &layout.tar(), TWICE);
}

#[test]
fn a_lone_spelling_is_read_as_docker_reads_it() {
    let honest = digests(&docker(&plain(), str::to_owned)).unwrap();
    let lower = |text: &str| {
        text.replace("Config", "config")
            .replace("RepoTags", "repoTags")
            .replace("Layers", "layers")
    };
    assert_eq!(digests(&docker(&plain(), lower)).unwrap(), honest);
    let config = plain()
        .replace("\"config\"", "\"CONFIG\"")
        .replace("\"Cmd\"", "\"cmd\"")
        .replace("diff_ids", "Diff_Id\u{17f}")
        .replace("created_by", "Created_By");
    assert_eq!(digests(&docker(&config, str::to_owned)).unwrap(), honest);
    let upper = |text: String| {
        text.replace("\"layers\"", "\"LAYERS\"")
            .replace("\"digest\"", "\"Digest\"")
    };
    let index = |text: String| text.replace("\"manifests\"", "\"Manifests\"");
    assert_eq!(digests(&oci(upper, index)).unwrap(), honest);

    // The program reads the same values from the config as the digest covers.
    let folder = tempfile::tempdir().unwrap();
    let image = open(&put(
        folder.path(),
        "i.tar",
        &docker(&config, str::to_owned),
    ))
    .unwrap();
    let read = image.config().unwrap();
    let cmd = read
        .config()
        .as_ref()
        .and_then(|config| config.cmd().clone());
    assert_eq!(cmd, Some(vec!["/a".to_owned()]));
}

#[test]
fn keys_that_are_data_stay_free() {
    let with = |more: &str| plain().replacen("\"config\":{", &format!("\"config\":{{{more},"), 1);
    for more in [
        r#""Labels":{"a":"1","A":"2"}"#,
        r#""Volumes":{"/a":{},"/A":{}}"#,
        r#""ExposedPorts":{"80/tcp":{},"80/TCP":{}}"#,
    ] {
        assert!(
            digests(&docker(&with(more), str::to_owned)).is_ok(),
            "{more}"
        );
    }
    let annotated = |text: String| text.replacen('{', r#"{"annotations":{"a":"1","A":"2"},"#, 1);
    assert!(digests(&oci(annotated, annotated)).is_ok());
}

#[test]
fn numbers_that_readers_round_share_no_digest() {
    let with = |number: &str| plain().replacen('{', &format!("{{\"extra\":{number},"), 1);
    for number in [
        "123456789012345678901234567890",
        "123456789012345678901234567891",
        "18446744073709551616",
        "-9223372036854775809",
        "9007199254740993",
        "1e400",
        "1e+30",
        "0.1000000000000000055511151231257827",
        "1.0",
        "1e3",
        "-0",
    ] {
        let archive = docker(&with(number), str::to_owned);
        for flatten in [false, true] {
            let error = digest(&archive, flatten).unwrap_err();
            assert!(error.contains("number"), "{number}: {error}");
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for number in ["0", "-1", "1.5", "9007199254740991", "9007199254740992"] {
        assert!(
            seen.insert(digests(&docker(&with(number), str::to_owned)).unwrap()),
            "{number}"
        );
    }
}

#[test]
fn a_document_that_is_manifest_and_index_at_once() {
    let both = "readers differ on whether it is a manifest or an index";
    let add = |more: &'static str| move |text: String| text.replacen('{', &format!("{{{more},"), 1);
    refused(
        "manifest",
        &oci(add(r#""manifests":[]"#), |text| text),
        both,
    );
    refused("index", &oci(|text| text, add(r#""layers":[]"#)), both);
    refused("index", &oci(|text| text, add(r#""fsLayers":[]"#)), both);
    let listed = "is not what it is listed as";
    let index = format!("\"mediaType\":\"{INDEX}\"");
    let index: &'static str = index.leak();
    refused("manifest", &oci(add(index), |text| text), listed);
    let manifest = format!("\"mediaType\":\"{MANIFEST}\"");
    refused("index", &oci(|text| text, add(manifest.leak())), listed);
}
