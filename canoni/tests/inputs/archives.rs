//! Docker-archives whose own files are unusual: manifests, configs, compression around them.

use super::support::*;
use super::{Case, PLAIN, config_of, image, plain, refusal_of};
use serde_json::{Value, json};
use std::io::Write;

/// A docker-archive, as old `docker save` writes it unless a field says otherwise.
pub(crate) struct Docker {
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) config: String,
    /// The config's file; by its digest where it is empty.
    pub(crate) config_name: &'static str,
    /// Members of `manifest.json`: config, names, layers.
    pub(crate) keys: [&'static str; 3],
}

impl Docker {
    pub(crate) fn new(layers: &[Vec<u8>]) -> Self {
        Self {
            layers: layers.to_vec(),
            config: config_of(layers).to_string(),
            config_name: "",
            keys: ["Config", "RepoTags", "Layers"],
        }
    }

    pub(crate) fn tar(&self) -> Vec<u8> {
        let name = match self.config_name {
            "" => format!("{}.json", sha256(self.config.as_bytes())),
            name => name.to_owned(),
        };
        let mut entries = vec![file(&name, &self.config)];
        let mut paths = Vec::new();
        for layer in &self.layers {
            let path = format!("{}/layer.tar", sha256(layer));
            entries.push(file(&path, layer));
            paths.push(path);
        }
        let [config, tags, layers] = self.keys;
        let manifest = json!([{config: name, tags: ["t:1"], layers: paths}]);
        entries.push(file("manifest.json", manifest.to_string()));
        tar(&entries)
    }
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// By the program, for the crate that reads it does not write it here.
fn xz(bytes: &[u8]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "i.tar", bytes);
    match letsesign_tests::run("xz", &[path.to_str().unwrap()]) {
        Ok(_) => Some(std::fs::read(folder.path().join("i.tar.xz")).unwrap()),
        Err(reason) => {
            letsesign_tests::skip(&reason);
            None
        }
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let one = || Docker::new(&[plain()]);
    let mut cases = vec![
        image(
            "lowercase-keys",
            Docker {
                keys: ["config", "repoTags", "layers"],
                ..one()
            }
            .tar(),
            PLAIN,
        ),
        image(
            "config-name-plain",
            Docker {
                config_name: "config.json",
                ..one()
            }
            .tar(),
            PLAIN,
        ),
        image("bz2", bzip2(&one().tar()), PLAIN),
        legacy(),
    ];
    cases.extend(xz(&one().tar()).map(|packed| image("xz", packed, PLAIN)));
    cases.extend(configs());
    cases
}

/// An archive as `docker save` wrote it before version 1.10.
fn legacy() -> Case {
    let id = sha256(b"1");
    let json = json!({"id": id, "created": "2015-01-01T00:00:00Z", "config": {}});
    let entries = [
        file("repositories", json!({"t": {"1": id}}).to_string()),
        file(format!("{id}/VERSION"), "1.0"),
        file(format!("{id}/json"), json.to_string()),
        file(format!("{id}/layer.tar"), plain()),
    ];
    refusal_of(
        "legacy-v1",
        tar(&entries),
        "docker save wrote it before Docker 1.10: it has the file repositories and no manifest.json",
    )
}

fn configs() -> Vec<Case> {
    let with = |layers: &[Vec<u8>], change: &dyn Fn(&mut Value)| {
        let mut config = config_of(layers);
        change(&mut config);
        Docker {
            config: config.to_string(),
            ..Docker::new(layers)
        }
        .tar()
    };
    let one = &[plain()][..];
    let two = &[plain(), tar(&[file("b", "x")])][..];
    let twice = config_of(one).to_string();
    let twice = twice.strip_suffix('}').unwrap();
    let twice = Docker {
        config: format!("{twice},\"os\":\"linux\"}}"),
        ..Docker::new(one)
    };
    vec![
        image(
            "scratch-labels",
            with(&[], &|config| {
                config["config"] = json!({"Labels": {"a": ""}});
            }),
            &[],
        ),
        image(
            "no-history-two",
            with(two, &|config| {
                config["history"] = json!([{"created_by": "x"}]);
            }),
            &["b 644 0:0 file x", PLAIN[0], PLAIN[1]],
        ),
        image("cfg-fields", with(one, &all_fields), PLAIN),
        refusal_of(
            "dup-json-key",
            twice.tar(),
            "is not acceptable JSON: duplicate key at byte",
        ),
        refusal_of(
            "cfg-no-arch",
            with(one, &|config| {
                config.as_object_mut().unwrap().remove("architecture");
            }),
            "has no architecture",
        ),
        refusal_of(
            "cfg-case",
            with(one, &|config| config["Config"] = json!({"Cmd": ["x"]})),
            "has the members \"config\" and \"Config\", which some readers take for one",
        ),
    ]
}

/// Every member that some tool writes into a config.
fn all_fields(config: &mut Value) {
    config["config"] = json!({
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 0, "StartInterval": 1},
        "OnBuild": ["RUN x"], "ArgsEscaped": true, "StopTimeout": 5, "StopSignal": "SIGINT",
        "Shell": ["sh", "-c"], "Memory": 3, "Labels": {"a": ""}, "Env": ["A="], "Entrypoint": [],
        "Cmd": null, "Volumes": {"/v": {}}, "ExposedPorts": {"80/tcp": {}}, "User": "",
        "WorkingDir": "/", "NetworkDisabled": true, "Tty": true, "OpenStdin": true,
        "StdinOnce": true, "PublishService": "x",
    });
    for (key, value) in [
        ("os.version", json!("10.0")),
        ("os.features", json!(["win32k"])),
        ("variant", json!("v8")),
        ("created", json!("2020-01-01T00:00:00.123456789Z")),
        ("custom", json!({"x": 1.5})),
        ("moby.buildkit.buildinfo.v1", json!("abc")),
        ("container_config", json!({"Cmd": ["x"]})),
    ] {
        config[key] = value;
    }
}

/// `cfg-fields`: what the form keeps of them, and what it drops.
#[test]
fn members_of_a_config() {
    let archive = configs()
        .into_iter()
        .find(|case| case.name == "cfg-fields")
        .unwrap();
    let canonical = super::opened(&super::engines::canonical(&archive.archive));
    let config = canonical.config_value();
    for kept in [
        "architecture",
        "os",
        "os.version",
        "os.features",
        "variant",
        "custom",
    ] {
        assert!(config.get(kept).is_some(), "{kept}");
    }
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    for dropped in ["moby.buildkit.buildinfo.v1", "container_config"] {
        assert!(config.get(dropped).is_none(), "{dropped}");
    }
    let inner = &config["config"];
    for kept in [
        "Healthcheck",
        "OnBuild",
        "StopSignal",
        "Shell",
        "Labels",
        "Env",
        "Volumes",
    ] {
        assert!(inner.get(kept).is_some(), "{kept}: {inner}");
    }
    // Empty says no more than nothing.
    for dropped in ["Entrypoint", "Cmd", "User"] {
        assert!(inner.get(dropped).is_none(), "{dropped}: {inner}");
    }
}
