//! PID 1 of the enclave.
//!
//! The kernel starts this program from ramdisk 1. It makes the root file system of ramdisk 2 the
//! root, checks that the machine below is the Nitro hypervisor it claims to be, notifies the host
//! that the enclave is up, and runs the program that the measured `config.json` names, without
//! privileges. When that program ends, the enclave ends.
//!
//! docs/init.md describes each step and each reason to refuse the start.

mod bundle;
mod checks;
mod clock;
mod console;
mod heartbeat;
mod mounts;
mod process;

use console::log;
use letsesign_nsm::Nsm;
use rustix::system::{RebootCommand, reboot};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    if rustix::process::getpid() != rustix::process::Pid::INIT {
        log!("this is an enclave's first process; it does nothing as any other");
        return ExitCode::FAILURE;
    }
    if let Err(error) = run() {
        log!("refusing to run: {error}");
    }
    // A Nitro enclave ends by restarting: it has no ACPI, so "power off" would only halt the
    // processors and leave the host with an enclave that neither works nor ends.
    log!("ending the enclave");
    if let Err(error) = reboot(RebootCommand::Restart) {
        log!("cannot restart: {error}");
    }
    // Returning from PID 1 panics the kernel, which (panic=-1 on the measured command line)
    // restarts as well.
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let bundle = bundle::read(Path::new("/config.json"))?;
    mounts::enter(&bundle.root.path)?;
    mounts::restrict_kernel();
    checks::command_line()?;
    checks::random_source()?;
    checks::log_clock_source();

    let nsm = Nsm::open()?;
    let description = nsm.describe()?;
    log!(
        "NSM {} has {} PCRs",
        description.module_id,
        description.max_pcrs
    );
    clock::set_at_start(&nsm)?;
    mounts::hand_over_nsm(bundle.process.user.gid)?;
    mounts::loopback_up()?;

    heartbeat::send();
    let child = process::spawn(&bundle.process)?;
    log!(
        "started {} as process {}",
        bundle.process.program(),
        child.as_raw_nonzero()
    );
    clock::keep(nsm)?;
    let end = process::wait_for(child)?;
    log!("{} {end}", bundle.process.program());
    Ok(())
}
