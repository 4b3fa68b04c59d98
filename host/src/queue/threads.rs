//! The threads that own connections to the database.

use super::error::Error;
use super::settings::Engine as EngineSettings;
use super::store::{Engine, StoreError, Stored};
use super::writer::{self, Shared, Task};
use super::{postgres, sqlite};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Operations that may wait; beyond, callers wait.
const WAITING: usize = 4096;
/// Threads for questions.
const READERS: usize = 2;

type Question = Box<dyn FnOnce(&mut dyn Engine) + Send>;

/// The ends that callers hold. The threads end with the last one.
pub(super) struct Threads {
    tasks: mpsc::Sender<Task>,
    questions: mpsc::Sender<Question>,
}

impl Threads {
    /// Opens the database, brings its schema up to date and starts the threads.
    pub(super) fn start(settings: &EngineSettings, shared: &Arc<Shared>) -> Result<Self, Error> {
        let (tasks, receiver) = mpsc::channel(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        let (writers, readers) = open(settings, shared)?;
        for engine in writers {
            let (receiver, shared) = (receiver.clone(), shared.clone());
            spawn("queue-writer", move || {
                writer::run(engine, &receiver, &shared);
            })?;
        }
        let (questions, receiver) = mpsc::channel::<Question>(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        for mut engine in readers {
            let receiver = receiver.clone();
            spawn("queue-reader", move || {
                loop {
                    let next = receiver
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .blocking_recv();
                    match next {
                        Some(question) => question(engine.as_mut()),
                        None => return,
                    }
                }
            })?;
        }
        Ok(Self { tasks, questions })
    }

    pub(super) async fn send(&self, task: Task) -> Result<(), Error> {
        self.tasks.send(task).await.map_err(|_| Error::Closed)
    }

    /// Asks the database outside of a transaction.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl Fn(&mut dyn Engine) -> Stored<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |engine| {
            let mut result = engine.ready().and_then(|()| question(engine));
            if let Err(error) = &result {
                let is_passing = engine.is_passing(error);
                engine.rollback();
                if is_passing {
                    result = engine.ready().and_then(|()| question(engine));
                }
            }
            // Who asked may be gone.
            let _ = answer.send(result);
        });
        self.questions
            .send(question)
            .await
            .map_err(|_| Error::Closed)?;
        answered
            .await
            .map_err(|_| Error::Closed)?
            .map_err(Error::from)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Database(error.0)
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(work);
    thread
        .map(drop)
        .map_err(|error| Error::Setting(format!("no thread {name}: {error}")))
}

type Engines = Vec<Box<dyn Engine>>;

fn open(settings: &EngineSettings, shared: &Arc<Shared>) -> Result<(Engines, Engines), Error> {
    let mut writers: Engines = Vec::new();
    let mut readers: Engines = Vec::new();
    match settings {
        EngineSettings::Sqlite { path } => {
            writers.push(Box::new(sqlite::Sqlite::writer(path)?));
            for _ in 0..READERS {
                readers.push(Box::new(sqlite::Sqlite::reader(path)?));
            }
        }
        EngineSettings::Postgres { url } => {
            let server = postgres::Server::parse(url)?;
            server.migrate()?;
            for _ in 0..postgres::WRITERS {
                writers.push(Box::new(server.connect()?));
            }
            for _ in 0..READERS {
                readers.push(Box::new(server.connect()?));
            }
            server.listen(shared)?;
        }
    }
    Ok((writers, readers))
}
