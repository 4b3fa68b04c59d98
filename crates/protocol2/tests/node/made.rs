//! Vectors that the crate makes, and Node that reads them.

use crate::support::{self, repository};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Runs a script of tests/protocol2 and returns what it prints.
pub fn node(script: &str, arguments: &[PathBuf]) -> String {
    let output = Command::new("node")
        .arg(repository("tests/protocol2").join(script))
        .args(arguments)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// Vectors that this crate makes, with fresh random bytes.
#[derive(Default)]
pub struct Made(Vec<(&'static str, Value)>);

impl Made {
    pub fn ok(&mut self, kind: &'static str, mut vector: Value, values: Value) {
        vector["note"] = "made by the crate".into();
        vector["ok"] = values;
        self.0.push((kind, vector));
    }

    /// A vector that is valid, and a copy of it with one bit changed that is not.
    pub fn both(
        &mut self,
        kind: &'static str,
        vector: Value,
        changed: (&str, &str),
        values: Value,
    ) {
        let (member, refused) = changed;
        let mut other = vector.clone();
        let mut bytes = support::base64(&vector, member);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        other[member] = STANDARD.encode(bytes).into();
        other["note"] = "with one bit changed".into();
        other["refused"] = refused.into();
        self.0.push((kind, other));
        self.ok(kind, vector, values);
    }

    /// Lets Node read all of it; returns its counts.
    pub fn check(self) -> Value {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("protocol2-node");
        std::fs::create_dir_all(&folder).unwrap();
        let files: Vec<PathBuf> = self
            .0
            .into_iter()
            .enumerate()
            .map(|(index, (kind, vector))| {
                let path = folder.join(format!("{index}.json"));
                let text = json!({ "kind": kind, "base": {}, "vectors": [vector] });
                std::fs::write(&path, text.to_string()).unwrap();
                path
            })
            .collect();
        serde_json::from_str(&node("check.mjs", &files)).unwrap()
    }
}

pub fn encoded(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

/// A vector with more members.
pub fn with(vector: &Value, members: &Value) -> Value {
    let mut all = vector.clone();
    all.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    all
}
