//! Tasks.

use super::answer::{Refusal, blocking, body};
use super::shape::{Decide, NewTask, OfSigner, ShownTask, Void};
use super::{Ui, documents, lock};
use crate::{Record, ServiceError, Standing};
use anyhow::Context;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// How long a look at a task that is under way serves: several windows ask once.
const FRESH: Duration = Duration::from_secs(2);

/// The last look at each task.
#[derive(Default)]
pub(super) struct Seen(HashMap<String, (Instant, Standing)>);

impl Seen {
    pub(super) fn forget(&mut self, task: &str) {
        self.0.remove(task);
    }

    /// A look that still holds. States that were proven and final stay.
    fn get(&self, task: &str) -> Option<Standing> {
        let (at, standing) = self.0.get(task)?;
        let is_final = matches!(standing.state.as_str(), "completed" | "declined" | "void");
        (is_final || at.elapsed() < FRESH).then(|| standing.clone())
    }
}

fn find(ui: &Ui, task: &str) -> Result<Record, Refusal> {
    let is_name = task.len() == 64 && task.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_name {
        return Err(Refusal::missing(format!("there is no task {task:?}")));
    }
    let found = ui.sender().home.task(task);
    found.map_err(|error| Refusal::missing(format!("{error:#}")))
}

fn look(ui: &Ui, record: &Record) -> Result<Standing, Refusal> {
    if let Some(standing) = lock(&ui.0.seen).get(&record.task) {
        return Ok(standing);
    }
    let standing = match ui.sender().standing(record) {
        Ok(standing) => standing,
        // Without a service there is nothing to show of any task.
        Err(error) if error.is::<ServiceError>() => return Err(error.into()),
        // A service that lies about one task does not hide the others.
        Err(error) => {
            let mut standing = Standing::of_record(record, "unknown");
            standing.problem = Some(format!("{error:#}"));
            return Ok(standing);
        }
    };
    let seen = (Instant::now(), standing.clone());
    lock(&ui.0.seen).0.insert(record.task.clone(), seen);
    Ok(standing)
}

pub(super) async fn list(State(ui): State<Ui>) -> Result<Json<Value>, Refusal> {
    blocking(move || {
        let records = ui.sender().home.records()?;
        let looks = records
            .iter()
            .map(|record| look(&ui, record).map(ShownTask::from));
        let tasks = looks.collect::<Result<Vec<ShownTask>, Refusal>>()?;
        Ok(Json(json!({ "tasks": tasks })))
    })
    .await
}

pub(super) async fn one(
    State(ui): State<Ui>,
    Path(task): Path<String>,
) -> Result<Json<ShownTask>, Refusal> {
    blocking(move || {
        let record = find(&ui, &task)?;
        let mut shown = ShownTask::from(look(&ui, &record)?);
        shown.history = Some(ui.sender().history(&record)?);
        Ok(Json(shown))
    })
    .await
}

pub(super) async fn send(
    State(ui): State<Ui>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    blocking(move || {
        let given: NewTask = body(&bytes)?;
        let document = documents::find(&ui, &given.document)?;
        let (draft, reminders) = given.draft(document.to_vec())?;
        let record = ui.sender().send(&draft, reminders)?;
        Ok((StatusCode::CREATED, Json(json!({ "task": record.task }))))
    })
    .await
}

/// Acts on a task.
async fn act<T: serde::de::DeserializeOwned + Send + 'static>(
    ui: Ui,
    task: String,
    bytes: Bytes,
    action: impl FnOnce(&Ui, &mut Record, T) -> anyhow::Result<()> + Send + 'static,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    blocking(move || {
        let given: T = body(&bytes)?;
        let _change = lock(&ui.0.change);
        let mut record = find(&ui, &task)?;
        let done = action(&ui, &mut record, given);
        // One that failed may have changed it as well.
        ui.changed(&task);
        done?;
        Ok((StatusCode::ACCEPTED, Json(json!({}))))
    })
    .await
}

type Done = Result<(StatusCode, Json<Value>), Refusal>;

pub(super) async fn remind(State(ui): State<Ui>, Path(task): Path<String>, bytes: Bytes) -> Done {
    act(ui, task, bytes, |ui, record, of: OfSigner| {
        ui.sender().remind(record, of.signer)
    })
    .await
}

pub(super) async fn again(State(ui): State<Ui>, Path(task): Path<String>, bytes: Bytes) -> Done {
    act(ui, task, bytes, |ui, record, of: OfSigner| {
        ui.sender().ask_again(record, of.signer)
    })
    .await
}

pub(super) async fn void(State(ui): State<Ui>, Path(task): Path<String>, bytes: Bytes) -> Done {
    act(ui, task, bytes, |ui, record, void: Void| {
        ui.sender().void(record, &void.reason)
    })
    .await
}

pub(super) async fn decide(State(ui): State<Ui>, Path(task): Path<String>, bytes: Bytes) -> Done {
    act(ui, task, bytes, |ui, record, decide: Decide| {
        ui.sender().decide(record, &decide.job, decide.retry)
    })
    .await
}

/// The signed document and its proof in one archive, verified.
pub(super) async fn files(
    State(ui): State<Ui>,
    Path(task): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    blocking(move || {
        let record = find(&ui, &task)?;
        let fetched = ui.sender().fetch(&record);
        let signed =
            fetched.map_err(|error| Refusal::new(StatusCode::CONFLICT, format!("{error:#}")))?;
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // Both are compressed already.
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let mut write = || -> anyhow::Result<()> {
            for (name, bytes) in [&signed.pdf, &signed.spf] {
                archive.start_file(name.as_str(), stored)?;
                archive.write_all(bytes)?;
            }
            Ok(())
        };
        write()?;
        let bytes = archive.finish().context("the archive")?.into_inner();
        Ok(([(CONTENT_TYPE, "application/zip")], bytes))
    })
    .await
}
