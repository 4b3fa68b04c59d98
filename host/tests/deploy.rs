//! The files of `host/deploy`: dashboard, alert rules, unit and example configurations name what
//! the program has.
#![cfg(test)]

use letsesign_host::config::Config;
use letsesign_host::queue::State;
use letsesign_host::supervisor::Phase;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use yaml_rust2::{Yaml, YamlLoader};

const PREFIX: &str = "letsesign_host_";

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(package(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of metrics in a text, each a whole word.
fn metrics(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(PREFIX))
        .map(str::to_owned)
        .collect()
}

/// The metrics that the sources describe: the first text after each `describe_KIND!(`.
fn described() -> BTreeSet<String> {
    fn look(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                for kind in ["counter", "gauge", "histogram"] {
                    let call = format!("describe_{kind}!(");
                    let calls = text.split(&call).skip(1);
                    let names = calls.filter_map(|call| call.trim_start().strip_prefix('"'));
                    for name in names.filter_map(|name| Some(name.split_once('"')?.0)) {
                        found.insert(name.to_owned());
                        if kind == "histogram" {
                            found.extend(
                                ["bucket", "count", "sum"].map(|part| format!("{name}_{part}")),
                            );
                        }
                    }
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    look(&package("src"), &mut found);
    assert!(found.len() > 20, "the sources describe {found:?}");
    found
}

/// Name, expression and the whole of each alert.
fn alerts() -> Vec<(String, String, Yaml)> {
    let documents = YamlLoader::load_from_str(&read("deploy/alerts.yaml")).unwrap();
    assert_eq!(documents.len(), 1);
    let groups = documents[0]["groups"].as_vec().unwrap();
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_vec().unwrap());
    let alerts = rules.map(|rule| {
        let name = rule["alert"].as_str().expect("every rule is an alert");
        let expression = rule["expr"]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: expr"));
        (name.to_owned(), expression.to_owned(), rule.clone())
    });
    alerts.collect()
}

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana.json")).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

fn expressions(panel: &Value) -> Vec<String> {
    let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
    let expressions = targets
        .iter()
        .map(|target| target["expr"].as_str().unwrap().to_owned());
    expressions.collect()
}

#[test]
fn alerts_and_dashboard_name_metrics_that_the_sources_describe() {
    let described = described();
    let mut texts: Vec<_> = alerts()
        .into_iter()
        .map(|(name, expression, _)| (name, expression))
        .collect();
    for panel in panels() {
        let title = panel["title"].as_str().unwrap().to_owned();
        texts.extend(
            expressions(&panel)
                .into_iter()
                .map(|text| (title.clone(), text)),
        );
    }
    let mut named = 0;
    for (place, text) in texts {
        for metric in metrics(&text) {
            assert!(
                described.contains(&metric),
                "{place}: {metric} is not described"
            );
            named += 1;
        }
    }
    assert!(named > 40, "only {named} metrics are named");
}

#[test]
fn alerts_and_dashboard_name_phases_and_states_that_exist() {
    let values = |label: &str, texts: &[String]| -> BTreeSet<String> {
        let start = |operator: &str| format!("{label}{operator}\"");
        let mut found = BTreeSet::new();
        for text in texts {
            for operator in ["=", "!=", "=~", "!~"] {
                for rest in text.split(&start(operator)).skip(1) {
                    let value = rest.split_once('"').unwrap().0;
                    found.extend(value.split('|').map(str::to_owned));
                }
            }
        }
        found
    };
    let mut texts: Vec<_> = alerts().into_iter().map(|(_, text, _)| text).collect();
    texts.extend(panels().iter().flat_map(expressions));
    let phases = values("phase", &texts);
    assert!(
        phases.contains("failed") && phases.contains("serving"),
        "{phases:?}"
    );
    for phase in phases {
        assert!(
            Phase::ALL.iter().any(|known| known.word() == phase),
            "{phase}"
        );
    }
    let states = values("state", &texts);
    assert!(states.contains("unknown"), "{states:?}");
    for state in states {
        assert!(
            State::ALL.iter().any(|known| known.word() == state),
            "{state}"
        );
    }
}

#[test]
fn each_alert_is_complete_and_has_its_section_in_the_page() {
    let page = read("../docs/deploy.md");
    let (_, section) = page.split_once("\n## Alerts\n").expect("a section Alerts");
    let section = section.split("\n## ").next().unwrap();
    let sections: BTreeSet<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::to_owned)
        .collect();
    let mut names = BTreeSet::new();
    for (name, expression, rule) in alerts() {
        assert!(!expression.trim().is_empty(), "{name}");
        let severity = rule["labels"]["severity"].as_str().unwrap_or_default();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}: {severity}"
        );
        for annotation in ["summary", "description"] {
            let text = rule["annotations"][annotation].as_str().unwrap_or_default();
            assert!(text.len() > 10, "{name}: {annotation}");
        }
        assert!(names.insert(name.clone()), "{name} is there twice");
    }
    assert_eq!(names, sections, "alerts and their sections");
}

/// `alerts.test.yaml` lists what fires in its scenes.
#[test]
fn each_alert_fires_in_a_scene_and_none_on_a_host_that_is_well() {
    let scenes = read("deploy/alerts.test.yaml");
    for (name, _, _) in alerts() {
        let sample = format!("alertname=\"{name}\"");
        assert!(scenes.contains(&sample), "{name} fires in no scene");
    }
    let output = Command::new("promtool")
        .args(["test", "rules", "alerts.test.yaml"])
        .current_dir(package("deploy"))
        .output();
    let Ok(output) = output else {
        letsesign_tests::skip("promtool is not installed (on Debian: apt-get install prometheus)");
        return;
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

#[test]
fn panels_have_ids_of_their_own_and_do_not_cover_each_other() {
    let panels = panels();
    let ids: BTreeSet<_> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in &panels {
        let title = panel["title"].as_str().unwrap();
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(
            place("x") + place("w") <= 24,
            "{title}: beyond the 24 columns"
        );
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{title}: covers another panel");
            }
        }
        let is_row = panel["type"] == "row";
        assert_eq!(expressions(panel).is_empty(), is_row, "{title}: targets");
        for expression in expressions(panel) {
            let is_selected = expression.contains("instance=~\"$instance\"");
            assert!(is_selected, "{title}: ignores the chosen host");
        }
    }
}

#[test]
fn the_unit_leaves_enclaves_alone_and_lets_the_host_reach_them() {
    let unit = read("deploy/letsesign-host.service");
    let lines: Vec<_> = unit.lines().collect();
    for needed in [
        "Type=notify",
        "KillMode=process",
        "User=letsesign-host",
        "SupplementaryGroups=ne",
        "StateDirectoryMode=0700",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "DevicePolicy=closed",
        "DeviceAllow=/dev/nitro_enclaves rw",
        "DeviceAllow=/dev/vsock rw",
        "SystemCallFilter=@system-service",
        "ReadWritePaths=-/run/nitro_enclaves -/var/log/nitro_enclaves",
    ] {
        assert!(lines.contains(&needed), "{needed}");
    }
    let families = lines
        .iter()
        .find_map(|line| line.strip_prefix("RestrictAddressFamilies="));
    assert!(
        families
            .unwrap()
            .split(' ')
            .any(|family| family == "AF_VSOCK")
    );
    // It hides the devices that DeviceAllow names.
    assert!(!lines.iter().any(|line| line.starts_with("PrivateDevices=")));
}

#[test]
fn the_example_configurations_have_the_keys_of_the_program() {
    let folder = package("deploy");
    let mut read = 0;
    for file in ["emulation.toml", "terraform/host.toml.tftpl"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        // Of Terraform's template: every branch, and numbers where it has variables for them.
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("%{"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let text = text
            .replace("${cpus}", "2")
            .replace("${memory}", "1024")
            .replace("${listen}", "127.0.0.1:9180");
        let config: Config =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(config.state.is_absolute(), "{file}");
        assert_eq!(config.is_emulation(), file == "emulation.toml", "{file}");
        read += 1;
    }
    assert_eq!(read, 2);
}
