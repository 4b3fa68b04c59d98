//! The image config in canonical form; docs/canonical-form-v1.md, section "Config".

use super::time::rfc3339;
use crate::error::{Error, Result};
use crate::spelling;
use serde_json::{Map, Value, json};

/// Members that tell of the container, daemon or machine that made the image.
const DROPPED: [&str; 11] = [
    "author",
    "checksum",
    "container",
    "container_config",
    "created",
    "docker_version",
    "id",
    "parent",
    "Size",
    "VirtualSize",
    "throwaway",
];

/// The same, within `config`.
const DROPPED_CONFIG: [&str; 7] = [
    "AttachStderr",
    "AttachStdin",
    "AttachStdout",
    "Domainname",
    "Hostname",
    "Image",
    "MacAddress",
];

/// Labels that name the version of the tool that built the image.
const DROPPED_LABELS: [&str; 1] = ["io.buildah.version"];

/// The treatment of the history.
pub(super) enum History {
    /// One entry per layer and per empty layer, without times.
    Kept,
    /// One entry for the one layer.
    Flattened,
}

/// Makes the canonical config's bytes (RFC 8785). `what` is what errors call the config.
pub(super) fn canonical(
    config: &Value,
    what: &str,
    diff_ids: &[String],
    history: &History,
    epoch: u64,
) -> Result<Vec<u8>> {
    let mut config = config.clone();
    spelling::settle(&mut config, &spelling::CONFIG, what)?;
    let Value::Object(source) = &config else {
        return Err(Error::image(what, "is not an object"));
    };
    let mut out: Map<String, Value> = source
        .iter()
        .filter(|(key, value)| {
            !DROPPED.contains(&key.as_str())
                && !key.starts_with("moby.buildkit.")
                && !is_empty(value)
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !out.get("architecture").is_some_and(Value::is_string) {
        return Err(Error::image(what, "has no architecture"));
    }
    if !out.contains_key("os") {
        out.insert("os".into(), "linux".into());
    }
    let settings = match source.get("config") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(settings)) => settings_of(settings),
        Some(_) => return Err(Error::image(what, "has a config that is not an object")),
    };
    out.insert("config".into(), Value::Object(settings));
    out.insert("created".into(), rfc3339(epoch).into());
    out.insert(
        "rootfs".into(),
        json!({"type": "layers", "diff_ids": diff_ids}),
    );
    match history {
        History::Flattened => {
            out.insert(
                "history".into(),
                json!([{"created_by": "canoni: flattened"}]),
            );
        }
        History::Kept => {
            if let Some(history) = out.remove("history") {
                out.insert(
                    "history".into(),
                    history_of(&history, diff_ids.len(), what)?,
                );
            }
        }
    }
    to_canonical_json(&Value::Object(out), what)
}

fn settings_of(settings: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in settings {
        let root = key == "WorkingDir" && value == "/";
        if root || is_empty(value) || DROPPED_CONFIG.contains(&key.as_str()) {
            continue;
        }
        let mut value = value.clone();
        if key == "Labels"
            && let Value::Object(labels) = &mut value
        {
            labels.retain(|label, _| !DROPPED_LABELS.contains(&label.as_str()));
            if labels.is_empty() {
                continue;
            }
        }
        out.insert(key.clone(), value);
    }
    out
}

fn history_of(history: &Value, layers: usize, what: &str) -> Result<Value> {
    let Value::Array(entries) = history else {
        return Err(Error::image(what, "has a history that is not a list"));
    };
    let mut out = Vec::with_capacity(entries.len());
    let mut filled = 0;
    for entry in entries {
        let Value::Object(entry) = entry else {
            return Err(Error::image(
                what,
                "has a history entry that is not an object",
            ));
        };
        let entry: Map<String, Value> = entry
            .iter()
            .filter(|(key, value)| {
                !matches!(key.as_str(), "created" | "author") && !is_empty(value)
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        filled += usize::from(entry.get("empty_layer") != Some(&Value::Bool(true)));
        out.push(Value::Object(entry));
    }
    // A shorter history is common: tools that add layers leave it alone. `docker history`
    // takes it, but fails on one that names more layers than there are.
    if filled > layers {
        let reason = format!(
            "has a history of {filled} layers, but {layers} layers, for which docker history fails; \
             --flatten writes a new history"
        );
        return Err(Error::image(what, reason));
    }
    Ok(Value::Array(out))
}

/// Whether a value says the same as a missing member.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// RFC 8785. Its numbers are doubles: an integer that a double cannot hold is refused.
pub(super) fn to_canonical_json(value: &Value, what: &str) -> Result<Vec<u8>> {
    refuse_large_numbers(value, what)?;
    serde_json_canonicalizer::to_vec(value)
        .map_err(|error| Error::image(what, format!("cannot be written: {error}")))
}

fn refuse_large_numbers(value: &Value, what: &str) -> Result<()> {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Number(number) => {
            let large = number.as_u64().is_some_and(|n| n > EXACT)
                || number.as_i64().is_some_and(|n| n.unsigned_abs() > EXACT)
                || (number.is_f64() && number.as_f64().is_none_or(|n| n.fract() == 0.0));
            if large {
                return Err(Error::image(
                    what,
                    format!("holds the number {number}, which JSON readers round"),
                ));
            }
            Ok(())
        }
        Value::Array(list) => list
            .iter()
            .try_for_each(|value| refuse_large_numbers(value, what)),
        Value::Object(map) => map
            .values()
            .try_for_each(|value| refuse_large_numbers(value, what)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::needless_pass_by_value)]
    fn run(config: Value, layers: usize, history: &History) -> Result<String> {
        let ids: Vec<String> = (0..layers).map(|n| format!("sha256:{n:064}")).collect();
        canonical(&config, "x", &ids, history, 0).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn classic_and_buildkit_configs_become_one() {
        let classic = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-11-23T01:02:03Z", "container": "abc",
            "docker_version": "20.10", "container_config": {"Cmd": ["x"]},
            "config": {"Hostname": "", "Image": "sha256:1", "Cmd": ["/a"], "Env": ["B=1", "A=2"], "WorkingDir": "",
                "Labels": {"io.buildah.version": "1.2"}, "OnBuild": null, "Tty": false, "ArgsEscaped": true},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:9"]},
            "history": [{"created": "2026", "created_by": "/bin/sh -c #(nop) COPY"}],
        });
        let buildkit = json!({
            "os": "linux", "architecture": "amd64", "created": "2025-01-01T00:00:00Z",
            "moby.buildkit.buildinfo.v1": "e30=",
            "config": {"ArgsEscaped": true, "WorkingDir": "/", "Env": ["B=1", "A=2"], "Cmd": ["/a"]},
            "history": [{"created_by": "COPY", "comment": "buildkit.dockerfile.v0"}],
        });
        let expected = concat!(
            r#"{"architecture":"amd64","config":{"ArgsEscaped":true,"Cmd":["/a"],"Env":["B=1","A=2"]},"#,
            r#""created":"1970-01-01T00:00:00Z","history":[{"created_by":"canoni: flattened"}],"os":"linux","#,
            r#""rootfs":{"diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"],"type":"layers"}}"#
        );
        assert_eq!(run(classic, 1, &History::Flattened).unwrap(), expected);
        assert_eq!(run(buildkit, 1, &History::Flattened).unwrap(), expected);
    }

    #[test]
    fn empty_layers_stay_in_the_history_and_times_go() {
        let config = json!({"architecture": "amd64", "history": [
            {"created": "2026", "created_by": "a"}, {"created": "2026", "empty_layer": true, "created_by": "b", "author": "c"},
        ]});
        let text = run(config.clone(), 1, &History::Kept).unwrap();
        assert!(
            text.contains(
                r#""history":[{"created_by":"a"},{"created_by":"b","empty_layer":true}]"#
            ),
            "{text}"
        );
        assert!(run(config.clone(), 2, &History::Kept).is_ok());
        let error = run(config, 0, &History::Kept).unwrap_err().to_string();
        assert!(error.contains("history of 1 layers, but 0"), "{error}");
    }

    #[test]
    fn ambiguous_or_useless_configs_are_refused() {
        for (config, words) in [
            (json!([]), "is not an object"),
            (json!({}), "no architecture"),
            (
                json!({"architecture": "a", "Config": {}, "config": {}}),
                "\"Config\" and \"config\"",
            ),
            (
                json!({"architecture": "a", "config": {"user": "0", "User": "1"}}),
                "\"user\" and \"User\"",
            ),
            (
                json!({"architecture": "a", "config": {"Healthcheck": {"Interval": 9_007_199_254_740_993_u64}}}),
                "round",
            ),
        ] {
            let error = run(config.clone(), 0, &History::Flattened)
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{config}: {error}");
        }
    }

    #[test]
    fn canonicalising_twice_changes_nothing() {
        let config = json!({"architecture": "arm64", "variant": "v8", "os.features": ["z", "a"], "config": {"StopTimeout": 0,
            "Labels": {"b": "1", "a": "2"}, "Volumes": {"/v": {}}}, "history": [{"comment": "c"}], "extra": {"k": 1.5}});
        let once = run(config, 1, &History::Kept).unwrap();
        let twice = run(serde_json::from_str(&once).unwrap(), 1, &History::Kept).unwrap();
        assert_eq!(once, twice);
    }
}
