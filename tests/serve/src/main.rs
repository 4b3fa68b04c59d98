//! The program that `cargo xtask serve` builds and runs.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "that is its work"
)]

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use letsesign_serve::args::ServeArgs;
use letsesign_serve::pages::{Addresses, Pages};
use letsesign_serve::sender::Sender;
use letsesign_serve::stack::{Parts, Stack};
use letsesign_serve::{Programs, verifier_page};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the whole service on this machine: send, sign and verify in the browser
#[derive(Debug, Parser)]
#[command(name = "letsesign-serve")]
struct Cli {
    /// letsesign-host
    #[arg(long, value_name = "FILE")]
    host: PathBuf,
    /// letsesign-server, built with the feature emulation
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// letsesign
    #[arg(long, value_name = "FILE")]
    client: PathBuf,
    /// letsesign-verify
    #[arg(long, value_name = "FILE")]
    verifier: PathBuf,
    #[command(flatten)]
    serve: ServeArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // Hidden unless standard error is a terminal; indicatif's console respects NO_COLOR.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(80));
    match serve(cli, &bar).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            bar.finish_and_clear();
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns on SIGINT or SIGTERM.
async fn signalled() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn serve(cli: Cli, bar: &ProgressBar) -> Result<()> {
    let port = cli.serve.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| {
            format!("cannot listen on 127.0.0.1:{port}; --port 0 takes a port that is free")
        })?;
    let programs = Programs {
        host: cli.host,
        server: cli.server,
        client: cli.client,
        verifier: cli.verifier,
    };
    bar.set_message("starting the host and its enclave");
    // A signal meanwhile drops what has started: the programs are killed, the folder is removed.
    let Stack { parts, mut host } = tokio::select! {
        stack = Stack::start(&programs) => stack?,
        signal = signalled() => return signal,
    };
    let outcome = tokio::select! {
        outcome = show(&cli.serve, &programs, &parts, listener, bar) => outcome,
        signal = signalled() => signal,
        ended = host.ended() => Err(anyhow!(ended)),
    };
    bar.set_message("ending the host and its enclave");
    host.end().await;
    bar.finish_and_clear();
    outcome
}

/// Starts the sender's page and serves the start page, until something fails.
async fn show(
    arguments: &ServeArgs,
    programs: &Programs,
    parts: &Parts,
    listener: TcpListener,
    bar: &ProgressBar,
) -> Result<()> {
    bar.set_message("registering a sender");
    let sender = Sender::start(programs, parts).await?;
    // It ends with this function.
    let (_page, sender_page) = sender.page().await?;
    let addresses = Addresses {
        start: format!("http://{}/", listener.local_addr()?),
        sender: sender.home.display().to_string(),
        sender_page,
        signer: format!("http://{}/sign/", parts.service),
        verify: "verify/".to_owned(),
        service: format!("http://{}", parts.service),
    };
    let verifier = verifier_page(programs, parts).await?;
    let testbed = Arc::clone(&parts.testbed);
    let pages = Pages::new(testbed, addresses.clone(), verifier, sender);
    bar.finish_and_clear();
    if arguments.json {
        println!("{}", serde_json::to_string(&addresses)?);
    } else {
        println!("{}\nCtrl-C ends the service.", addresses.start);
    }
    if arguments.open {
        open(&addresses.start);
    }
    axum::serve(listener, pages.router())
        .await
        .context("the start page")
}

/// Opens a page in the browser. Without one, the address on standard output is enough.
fn open(url: &str) {
    let opened = std::process::Command::new("xdg-open")
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opened {
        eprintln!("cannot open a browser (xdg-open: {error})");
    }
}
