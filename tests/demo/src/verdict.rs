//! Verdicts of letsesign-verify, the program for relying parties.

use crate::model::Story;
use crate::output::Output;
use crate::play;
use anyhow::{Context, Result, bail, ensure};
use letsesign_proof::Hash;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Name of the demo's release.
const RELEASE: &str = "demo";

/// The output of the program.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    /// Description of its input.
    pub(crate) of: String,
    pub(crate) exit_code: i32,
    /// First line of the report.
    pub(crate) first_line: String,
    /// The member `verdict` of its JSON.
    #[serde(rename = "verdict")]
    pub(crate) word: String,
    /// Name, outcome and text of each check.
    pub(crate) checks: Vec<(String, String, String)>,
    /// The complete report.
    #[serde(skip)]
    pub(crate) report: String,
}

/// Verdicts on the signed document and on tampered copies.
#[derive(Debug)]
pub(crate) struct Verdicts {
    pub(crate) right: Verdict,
    pub(crate) tampered: Vec<Verdict>,
    /// The command for the reader to repeat.
    pub(crate) command: String,
}

/// Writes the verifier's input below `check/`, and runs it.
pub(crate) fn run(program: &Path, story: &Story, output: &Output) -> Result<Verdicts> {
    let pcr = story.pcrs.map(hex::encode);
    let release = json!({
        "verName": RELEASE,
        "pcrs": { "0": pcr[0], "1": pcr[1], "2": pcr[2] },
        "issueTime": 1_700_000_000,
    })
    .to_string();
    output.write("check/root.pem", &story.root)?;
    output.write(&format!("check/measurements/{RELEASE}.json"), &release)?;
    let ledger = format!("{}  {RELEASE}.json\n", Hash::of(release.as_bytes()));
    output.write("check/measurements/LEDGER", ledger)?;
    // No keys, because the demo's release is not signed.
    let keys = output.path("check/measurements/keys");
    std::fs::create_dir(&keys).with_context(|| format!("cannot create {}", keys.display()))?;

    let verify =
        |of: &str, pdf: &str, spf: &str| verify_files(program, output, story, of, pdf, spf);
    let right = verify("the document and its proof", &story.pdf.0, &story.spf.0)?;
    ensure!(
        right.exit_code == 0 && right.word == "test-only",
        "letsesign-verify does not accept what was signed:\n{}",
        right.report
    );
    let mut tampered = Vec::new();
    let (pdf, spf) = ("check/tampered.pdf", "check/tampered.spf");
    let mut bytes = story.pdf.1.clone();
    let middle = bytes.len() / 2;
    let byte = bytes.get_mut(middle).context("the signed PDF is empty")?;
    *byte ^= 1;
    output.write(pdf, bytes)?;
    tampered.push(verify(
        &format!("the document with one bit changed, in byte {middle}"),
        pdf,
        &story.spf.0,
    )?);

    let mut proof: Value = serde_json::from_slice(&story.spf.1).context("the proof is not JSON")?;
    let name = proof
        .pointer_mut("/summary/signerList/0/name")
        .context("the proof does not name a signer")?;
    *name = json!("Somebody Else");
    output.write(spf, proof.to_string())?;
    tampered.push(verify(
        "the proof with another name in its summary",
        &story.pdf.0,
        spf,
    )?);

    let mut unsigned = story.sent.clone();
    unsigned.extend(b"\nletsesign=true\n");
    output.write("check/unsigned.pdf", unsigned)?;
    tampered.push(verify(
        "the unsigned document with this proof",
        "check/unsigned.pdf",
        &story.spf.0,
    )?);
    for verdict in &tampered {
        if verdict.exit_code != 1 || verdict.word != "not-genuine" {
            bail!(
                "letsesign-verify does not refuse {}:\n{}",
                verdict.of,
                verdict.report
            );
        }
    }
    let path = |name: &str| quoted(&output.target().join(name).display().to_string());
    let command = format!(
        "cargo run -q -p letsesign-verify -- proof {} {} \\\n  --root {} --measurements {}",
        path(&story.pdf.0),
        path(&story.spf.0),
        path("check/root.pem"),
        path("check/measurements")
    );
    Ok(Verdicts {
        right,
        tampered,
        command,
    })
}

fn verify_files(
    program: &Path,
    output: &Output,
    story: &Story,
    of: &str,
    pdf: &str,
    spf: &str,
) -> Result<Verdict> {
    let run = |json: bool| {
        let mut command = Command::new(program);
        command.arg("proof");
        command.args([output.path(pdf), output.path(spf)]);
        command.args([
            "--root",
            "check/root.pem",
            "--measurements",
            "check/measurements",
        ]);
        command.args(["--binding-data-hash", &story.binding_data_hash]);
        if json {
            command.arg("--json");
        }
        command.current_dir(output.path(""));
        command
            .output()
            .with_context(|| format!("cannot run {}", program.display()))
    };
    let (text, json) = (run(false)?, run(true)?);
    let report = String::from_utf8_lossy(&text.stdout).into_owned();
    let value: Value = serde_json::from_slice(&json.stdout).with_context(|| {
        format!(
            "letsesign-verify did not decide about {of}: {}",
            String::from_utf8_lossy(&json.stderr).trim()
        )
    })?;
    let member = |value: &Value, name: &str| play::text(value, name).unwrap_or_default().to_owned();
    let checks = value
        .get("checks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Ok(Verdict {
        of: of.to_owned(),
        exit_code: text.status.code().unwrap_or(-1),
        first_line: report.lines().next().unwrap_or_default().to_owned(),
        word: member(&value, "verdict"),
        checks: checks
            .map(|check| {
                (
                    member(check, "name"),
                    member(check, "outcome"),
                    member(check, "text"),
                )
            })
            .collect(),
        report,
    })
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_a_shell() {
        assert_eq!(quoted("a/b.pdf"), "a/b.pdf");
        assert_eq!(quoted("it's $(x).pdf"), r"'it'\''s $(x).pdf'");
    }
}
