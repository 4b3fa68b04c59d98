//! Starts a testbed, prints the environment for a server, shows what happens, and ends with Ctrl-C
//! or SIGTERM.

#![allow(clippy::print_stdout, reason = "that is its work")]

use letsesign_testbed::{Options, Testbed};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let testbed = Testbed::start(Options::default()).await?;
    for (name, value) in testbed.environment() {
        println!("export {name}='{value}'");
    }
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let mut seen = 0;
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = tick.tick() => {}
        }
        for mail in testbed.mailbox.since(seen) {
            let parsed = mail.parsed();
            println!(
                "# mail to {}: {}",
                mail.recipients.join(", "),
                parsed.subject
            );
        }
        seen = testbed.mailbox.count();
    }
}
