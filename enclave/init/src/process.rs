//! The one program of the enclave, and what remains of privileges for it: none.

use crate::bundle;
use rustix::io::Errno;
use rustix::process::{
    Gid, Pid, Resource, Rlimit, Uid, WaitOptions, WaitStatus, setrlimit, setsid, wait,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_gid,
    set_thread_groups, set_thread_uid,
};
use std::error::Error;
use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Open files per process; a server holds a few connections per worker.
const OPEN_FILES: u64 = 65_536;

/// Capabilities have numbers from 0; the kernel refuses the first that it does not know.
const CAPABILITY_MAX: u32 = 63;

/// Starts the program.
pub(crate) fn spawn(process: &bundle::Process) -> Result<Pid, Box<dyn Error>> {
    let (program, arguments) = process.args.split_first().ok_or("no program")?;
    let groups: Vec<Gid> = process
        .user
        .additional_gids
        .iter()
        .map(|gid| Gid::from_raw(*gid))
        .collect();
    let user = Uid::from_raw(process.user.uid);
    let group = Gid::from_raw(process.user.gid);

    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&process.cwd)
        .env_clear()
        .envs(process.env.iter().filter_map(|entry| entry.split_once('=')))
        .stdin(Stdio::null());
    // SAFETY: the closure runs between fork and exec. It makes system calls through rustix, which
    // calls the kernel directly, and neither allocates nor takes a lock.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || Ok(drop_privileges(user, group, &groups)?));
    }
    let child = command
        .spawn()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| "the kernel gave an impossible process number".into())
}

/// Leaves the calling process without any way to privileges: not by a capability, not by a
/// set-user-ID file.
///
/// The order matters: the bounding set can only be emptied while CAP_SETPCAP is there, and
/// identities only be changed before capabilities go.
fn drop_privileges(user: Uid, group: Gid, groups: &[Gid]) -> Result<(), Errno> {
    setsid()?;
    let limit = |value| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(Resource::Core, limit(0))?;
    setrlimit(Resource::Nofile, limit(OPEN_FILES))?;
    for number in 0..=CAPABILITY_MAX {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            Err(Errno::INVAL) if number > 0 => break,
            Err(error) => return Err(error),
        }
    }
    set_thread_groups(groups)?;
    set_thread_gid(group)?;
    set_thread_uid(user)?;
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    set_no_new_privs(true)
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct End(WaitStatus);

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.exit_status(), self.0.terminating_signal()) {
            (Some(code), _) => write!(formatter, "exited with code {code}"),
            (_, Some(signal)) => write!(formatter, "was killed by signal {signal}"),
            _ => write!(formatter, "ended in an unknown way ({:?})", self.0),
        }
    }
}

/// Waits for the program, reaping whatever else ends: orphans become children of PID 1.
pub(crate) fn wait_for(child: Pid) -> Result<End, Box<dyn Error>> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => return Ok(End(status)),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(format!("cannot wait for the program: {error}").into()),
        }
    }
}
