//! The sender's page.

use super::{print, print_json};
use anyhow::{Context, Result};
use letsesign_client::Sender;
use letsesign_client::ui::Ui;
use serde_json::json;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves the page until Ctrl-C.
pub(super) fn serve(sender: Sender, port: u16, json: bool) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.with_context(|| {
            format!("cannot listen on 127.0.0.1:{port}; without --port a free one is taken")
        })?;
        let ui = Ui::new(sender, listener.local_addr()?)?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
        if json {
            print_json(&json!({"url": ui.url()}))?;
        } else {
            print(format!("{}\nCtrl-C ends the page.\n", ui.url()))?;
        }
        tokio::select! {
            served = axum::serve(listener, ui.router()) => served.context("the page"),
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    })
}
