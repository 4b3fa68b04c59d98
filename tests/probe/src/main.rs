//! A test program that checks the environment that init gives it. It is built like the measured
//! programs and takes the server's place in images that are never published.
//!
//! * `probe random`: prints 32 random bytes in hex, without needing any file.
//! * `probe user`: exits with 0 when its effective user is the enclave's unprivileged one.
//! * as the first process of a machine: see `impostor`.
//! * `probe enclave`: checks what init promises (docs/init.md), prints `probe: NAME ok` or
//!   `probe: NAME FAILED: ...` per promise, then kills itself, so that the test also sees what init
//!   does about that.

mod impostor;

use rustix::fs::{Access, Mode, OFlags, access, open};
use rustix::process::{Signal, getgid, getgroups, getpid, getuid, kill_process};
use rustix::thread::{capabilities, capability_is_in_bounding_set, no_new_privs};
use std::process::ExitCode;

fn main() -> ExitCode {
    if getpid() == rustix::process::Pid::INIT {
        return impostor::run();
    }
    match std::env::args().nth(1).as_deref() {
        Some("random") => random(),
        Some("enclave") => enclave(),
        Some("user") if rustix::process::geteuid().as_raw() == 65_532 => ExitCode::SUCCESS,
        Some("user") => ExitCode::FAILURE,
        other => {
            println!("probe: unknown mode {other:?}; there are random, enclave and user");
            ExitCode::FAILURE
        }
    }
}

fn random() -> ExitCode {
    let mut bytes = [0; 32];
    match getrandom::fill(&mut bytes) {
        Ok(()) => {
            println!("{}", hex::encode(bytes));
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("probe: no randomness: {error}");
            ExitCode::FAILURE
        }
    }
}

type Check = fn() -> Result<(), String>;

/// Guarantees of init for the program that it starts.
const CHECKS: &[(&str, Check)] = &[
    ("user", || equal(&getuid().as_raw(), &65_532)),
    ("group", || equal(&getgid().as_raw(), &65_532)),
    ("groups", || equal(&getgroups().map_err(text)?, &Vec::new())),
    ("no_new_privs", || {
        equal(&no_new_privs().map_err(text)?, &true)
    }),
    ("capabilities", || {
        let sets = capabilities(None).map_err(text)?;
        equal(
            &(sets.effective | sets.permitted | sets.inheritable).is_empty(),
            &true,
        )
    }),
    ("bounding", || {
        // CAP_SYS_ADMIN, CAP_SYS_TIME and the rest: bit 0 to the last that the kernel knows.
        for number in 0..40 {
            let capability = rustix::thread::CapabilitySet::from_bits_retain(1 << number);
            equal(
                &capability_is_in_bounding_set(capability).map_err(text)?,
                &false,
            )?;
        }
        Ok(())
    }),
    ("environment", || {
        equal(
            &std::env::vars().collect::<Vec<_>>(),
            &vec![("PROBE".to_owned(), "1".to_owned())],
        )
    }),
    ("directory", || {
        equal(
            &std::env::current_dir().map_err(text)?.as_path(),
            &std::path::Path::new("/"),
        )
    }),
    ("nsm", || {
        access("/dev/nsm", Access::READ_OK | Access::WRITE_OK).map_err(text)
    }),
    ("tmp", || std::fs::write("/tmp/probe", "x").map_err(text)),
    ("read-only", || {
        refused(&std::fs::write("/probe", "x").map_err(text))
    }),
    ("devices", || {
        refused(
            &open("/dev/mem", OFlags::RDWR, Mode::empty())
                .map(drop)
                .map_err(text),
        )
    }),
    ("console", || {
        refused(
            &open("/dev/kmsg", OFlags::RDWR, Mode::empty())
                .map(drop)
                .map_err(text),
        )
    }),
    ("init hidden", || {
        refused(&std::fs::read_dir("/proc/1").map(drop).map_err(text))
    }),
    ("set-user-ID", || {
        // The same program, owned by root and set-user-ID, must not be root either: it tells its
        // user by its exit code.
        let status = std::process::Command::new("/setuid")
            .arg("user")
            .status()
            .map_err(text)?;
        equal(&status.code(), &Some(0))
    }),
    ("no shell", || {
        refused(&std::fs::metadata("/bin/sh").map(drop).map_err(text))
    }),
];

fn enclave() -> ExitCode {
    for (name, check) in CHECKS {
        match check() {
            Ok(()) => println!("probe: {name} ok"),
            Err(reason) => println!("probe: {name} FAILED: {reason}"),
        }
    }
    println!("probe: done");
    let _ = kill_process(getpid(), Signal::KILL);
    ExitCode::FAILURE
}

fn equal<T: PartialEq + std::fmt::Debug>(actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("is {actual:?}, should be {expected:?}"))
    }
}

fn refused(result: &Result<(), String>) -> Result<(), String> {
    match result {
        Ok(()) => Err("is possible".to_owned()),
        Err(_) => Ok(()),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
