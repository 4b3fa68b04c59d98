//! The sender's page, on loopback (docs/sender-page.md). Documents leave the machine sealed alone.
//!
//! Any page in the browser, and any user of the machine, can connect to a port on loopback. So
//! every call needs a token, which the address of the page carries in its fragment, and requests by
//! another name than the address are refused: a name of another site could lead to 127.0.0.1.

mod answer;
mod documents;
mod files;
mod guard;
mod shape;
mod tasks;
mod templates;

use crate::Sender;
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest body of calls that carry no document.
const BODY_MAX: usize = 1 << 20;
/// The longest body of a verification: a PDF and its proof in base64.
const VERIFY_MAX: usize = 160 << 20;
/// How many documents are kept for drafts. Beyond it the oldest one goes.
const DOCUMENTS: usize = 8;

/// The sender's page of one sender.
#[derive(Clone)]
pub struct Ui(Arc<State>);

struct State {
    sender: Sender,
    address: SocketAddr,
    token: String,
    /// Documents of drafts, the oldest first.
    documents: Mutex<VecDeque<(String, Document)>>,
    /// The last look at each task.
    seen: Mutex<tasks::Seen>,
    /// Held while a task's record is changed.
    change: Mutex<()>,
}

/// A PDF of a draft.
type Document = Arc<Vec<u8>>;

/// A lock whose holder panicked guards nothing that is half-done: each change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn random() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("no random bytes")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

impl Ui {
    /// The page of a sender, for a listener on this address.
    ///
    /// # Errors
    /// When the address is not on loopback, or no random bytes are available for the token.
    pub fn new(sender: Sender, address: SocketAddr) -> Result<Self> {
        anyhow::ensure!(
            address.ip().is_loopback(),
            "{address}: the sender's page is for this machine alone"
        );
        Ok(Self(Arc::new(State {
            sender,
            address,
            token: random()?,
            documents: Mutex::default(),
            seen: Mutex::default(),
            change: Mutex::default(),
        })))
    }

    /// The address to open, with the token. Whoever has it can act as the sender.
    pub fn url(&self) -> String {
        format!("http://{}/#token={}", self.0.address, self.0.token)
    }

    /// Its routes.
    pub fn router(self) -> Router {
        let calls = Router::new()
            .route("/session", get(answer::session))
            .route("/verify", post(answer::verify))
            .layer(DefaultBodyLimit::max(VERIFY_MAX))
            .route(
                "/documents",
                post(documents::open).layer(DefaultBodyLimit::max(crate::DOCUMENT_MAX + 1)),
            )
            .route("/documents/{id}", get(documents::read))
            .route("/tasks", get(tasks::list).post(tasks::send))
            .route("/tasks/{task}", get(tasks::one))
            .route("/tasks/{task}/remind", post(tasks::remind))
            .route("/tasks/{task}/again", post(tasks::again))
            .route("/tasks/{task}/void", post(tasks::void))
            .route("/tasks/{task}/decide", post(tasks::decide))
            .route("/tasks/{task}/files", get(tasks::files))
            .route("/templates", get(templates::list))
            .route(
                "/templates/{name}",
                put(templates::keep).delete(templates::remove),
            )
            .route("/templates/{name}/document", get(templates::document))
            .fallback(answer::unknown)
            .layer(from_fn_with_state(self.clone(), guard::with_token));
        Router::new()
            .nest("/api", calls)
            .fallback(files::file)
            .layer(from_fn_with_state(self.clone(), guard::own_pages_alone))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(self)
    }

    fn sender(&self) -> &Sender {
        &self.0.sender
    }

    /// Keeps a document for a draft, and names it.
    fn keep(&self, document: Document) -> Result<String> {
        let id = random()?;
        let mut documents = lock(&self.0.documents);
        documents.push_back((id.clone(), document));
        while documents.len() > DOCUMENTS {
            documents.pop_front();
        }
        Ok(id)
    }

    fn document(&self, id: &str) -> Option<Document> {
        let documents = lock(&self.0.documents);
        let found = documents.iter().find(|(known, _)| known == id);
        found.map(|(_, document)| Arc::clone(document))
    }

    /// Forgets the last look at a task, since it was acted upon.
    fn changed(&self, task: &str) {
        lock(&self.0.seen).forget(task);
    }
}
