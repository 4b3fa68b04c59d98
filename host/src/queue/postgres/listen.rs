//! Hosts tell each other that jobs wait: LISTEN and NOTIFY.
//!
//! A notification that is lost costs time, because hosts ask again anyway. It is not sent with the
//! transaction that makes a job wait: PostgreSQL commits such transactions one after the other.

use super::server::{Driver, Server};
use crate::queue::error::Error;
use crate::queue::types::random_hex;
use crate::queue::writer::Shared;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_postgres::{AsyncMessage, Client};

/// Between two notifications of one host.
const PAUSE: Duration = Duration::from_millis(20);
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_secs(1);
const CHANNEL: &str = "letsesign_host_queue";

/// Listens until the queue is dropped.
pub(super) fn start(server: Server, runtime: Runtime, shared: &Arc<Shared>) -> Result<(), Error> {
    let weak = Arc::downgrade(shared);
    let local = shared.local.subscribe();
    let thread = std::thread::Builder::new().name("queue-listen".into());
    let thread = thread.spawn(move || runtime.block_on(run(&server, &weak, local)));
    thread
        .map(drop)
        .map_err(|error| Error::Setting(format!("no thread queue-listen: {error}")))
}

async fn run(server: &Server, shared: &Weak<Shared>, mut local: watch::Receiver<u64>) {
    let me = random_hex();
    while shared.strong_count() > 0 {
        if let Ok((client, driver)) = server.dial().await {
            let heard = tokio::spawn(hear(driver, shared.clone(), me.clone()));
            if client
                .batch_execute(&format!("LISTEN {CHANNEL}"))
                .await
                .is_ok()
            {
                // Notifications before this one were not heard.
                if let Some(shared) = shared.upgrade() {
                    shared.remote_wake();
                }
                tell(&client, &me, &mut local).await;
            }
            drop(client);
            heard.abort();
        }
        if local.has_changed().is_err() {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Notifies until the connection is lost or the queue dropped.
async fn tell(client: &Client, me: &str, local: &mut watch::Receiver<u64>) {
    loop {
        match tokio::time::timeout(RETRY, local.changed()).await {
            Ok(Err(_)) => return,
            Ok(Ok(())) => {
                let sql = "SELECT pg_notify($1, $2)";
                if client.execute(sql, &[&CHANNEL, &me]).await.is_err() {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(_) if client.is_closed() => return,
            Err(_) => {}
        }
    }
}

async fn hear(mut driver: Driver, shared: Weak<Shared>, me: String) {
    while let Some(Ok(message)) = poll_fn(|context| driver.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message
            && notification.payload() != me
            && let Some(shared) = shared.upgrade()
        {
            shared.remote_wake();
        }
    }
}
