//! `letsesign-host jobs`.

use super::args::JobsCommand;
use super::{input, print, print_json};
use anyhow::Result;
use letsesign_escape as escape;
use letsesign_host::config;
use letsesign_host::control::{Client, Decide, JobLine, JobReport, query};
use letsesign_utc::Utc;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

pub(super) async fn run(path: &Path, client: &Client, command: JobsCommand) -> Result<()> {
    match command {
        JobsCommand::List {
            state,
            sender,
            task,
            limit,
            json,
        } => {
            let path = query(
                "/jobs",
                &[
                    ("state", state),
                    ("sender", sender),
                    ("task", task),
                    ("limit", Some(limit.to_string())),
                ],
            );
            let jobs: Vec<JobLine> = client.get(&path).await?;
            if json.json {
                return print_json(&jobs);
            }
            print(table(&jobs))
        }
        JobsCommand::Show { id, json } => {
            let report: JobReport = client.get(&format!("/jobs/{id}")).await?;
            if json.json {
                return print_json(&report);
            }
            print(shown(&report))
        }
        JobsCommand::Result { id } => {
            let body = client.bytes(&format!("/jobs/{id}/result")).await?;
            print(body)
        }
        JobsCommand::Decide { id, retry, .. } => {
            let decide = if retry { Decide::Retry } else { Decide::Fail };
            let path = format!("/jobs/{id}/decide");
            let _: Value = client.post(&path, serde_json::to_vec(&decide)?).await?;
            print(match decide {
                Decide::Retry => "queued again\n",
                Decide::Fail => "given up\n",
            })
        }
        JobsCommand::Submit {
            sender,
            name,
            task,
            accepts,
            payload,
        } => {
            let accepts = (!accepts.is_empty()).then(|| accepts.join(","));
            let path = query(
                "/jobs",
                &[
                    ("sender", Some(sender)),
                    ("name", Some(name)),
                    ("task", task),
                    ("accepts", accepts),
                ],
            );
            let done: Value = client.post(&path, input(&payload)?).await?;
            let id = done.get("job").and_then(Value::as_str).unwrap_or_default();
            print(format!("{id}\n"))
        }
        JobsCommand::Restored => {
            let config = config::load(path, std::env::vars())?;
            let unknown = letsesign_host::run::restored(&config).await?;
            print(format!("{unknown} unfinished jobs are unknown now\n"))
        }
    }
}

fn table(jobs: &[JobLine]) -> String {
    let mut text = format!(
        "{:32}  {:8}  {:4}  {:14}  {:19}  {}\n",
        "ID", "STATE", "CODE", "NAME", "CREATED (UTC)", "SENDER"
    );
    for job in jobs {
        let code = job.code.map_or(String::new(), |code| code.to_string());
        let _ = writeln!(
            text,
            "{:32}  {:8}  {code:4}  {:14}  {}  {}",
            job.id,
            job.state,
            escape::line(&job.name),
            time(job.created),
            escape::line(&job.sender)
        );
    }
    text
}

fn shown(report: &JobReport) -> String {
    let job = &report.job;
    let mut text = String::new();
    let _ = writeln!(text, "job      {}", job.id);
    let _ = writeln!(text, "sender   {}", escape::line(&job.sender));
    if let Some(task) = &job.task {
        let _ = writeln!(text, "task     {}", escape::line(task));
    }
    let _ = writeln!(text, "name     {}", escape::line(&job.name));
    let _ = writeln!(text, "state    {}", job.state);
    if let Some(code) = job.code {
        let _ = writeln!(text, "code     {code}");
    }
    let _ = writeln!(text, "payload  {} bytes", job.bytes);
    for event in &report.history {
        let detail = escape::line(&event.detail);
        let _ = writeln!(
            text,
            "{}  {:10} {detail}",
            time(event.at),
            escape::line(&event.name)
        );
    }
    text
}

/// `2026-11-27 10:00:00` for milliseconds since 1970.
fn time(millis: i64) -> String {
    let utc = Utc::of(u64::try_from(millis / 1000).unwrap_or(0));
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second
    )
}
