//! Tasks for people.

use super::{print, print_json};
use anyhow::Result;
use letsesign_client::{Record, Standing};
use letsesign_escape as escape;
use letsesign_utc::Utc;
use serde_json::{Value, json};
use std::fmt::Write;

fn time(millis: u64) -> String {
    let utc = Utc::of(millis / 1000);
    format!(
        "{}-{:02}-{:02} {:02}:{:02} UTC",
        utc.year, utc.month, utc.day, utc.hour, utc.minute
    )
}

/// A task and its signers, a line each. Each text is escaped by itself: no text of the service or
/// of a signer may make a line that looks like another signer's.
pub(super) fn standing(one: &Standing) -> String {
    let mut text = String::new();
    let name: String = one.task.chars().take(12).collect();
    let _ = writeln!(
        text,
        "{name}  {}  {}  (until {})",
        one.state,
        escape::line(&one.file_name),
        time(one.expiry)
    );
    for signer in &one.signers {
        let when = match (signer.answered_at, signer.asked_at) {
            (Some(at), _) | (None, Some(at)) => format!("  {}", time(at)),
            (None, None) => String::new(),
        };
        let _ = writeln!(
            text,
            "  {:<10} {} <{}>{when}",
            signer.state,
            escape::line(&signer.name),
            escape::line(&signer.email)
        );
        if let Some(problem) = &signer.problem {
            let _ = writeln!(text, "             {}", escape::line(problem));
        }
    }
    if let Some(problem) = &one.problem {
        let _ = writeln!(text, "  {}", escape::line(problem));
    }
    if let Some(reason) = &one.reason {
        let _ = writeln!(text, "  reason: {}", escape::line(reason));
    }
    for decision in &one.needs_decision {
        let job = decision
            .get("job")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let function = decision.get("function").and_then(Value::as_str);
        let _ = writeln!(
            text,
            "  the fate of a job ({}) is unknown: it may have mailed somebody. Decide: letsesign \
             decide {name} {job} --retry | --fail",
            function.unwrap_or_default()
        );
    }
    escape::lines(&text)
}

pub(super) fn list(records: &[Record], as_json: bool) -> Result<()> {
    if as_json {
        let list: Vec<Value> = records
            .iter()
            .map(|record| {
                json!({
                    "task": record.task,
                    "fileName": record.configuration.file_name,
                    "created": record.created,
                    "sent": record.sent,
                })
            })
            .collect();
        return print_json(&list);
    }
    let mut text = String::new();
    for record in records {
        let _ = writeln!(
            text,
            "{}  {}  {}{}",
            record.task,
            time(record.created),
            escape::line(&record.configuration.file_name),
            if record.sent { "" } else { "  (not sent)" }
        );
    }
    print(escape::lines(&text))
}
