//! Nitro's boot protocol: the enclave connects to its parent and sends a byte, which comes back.
//! Until then the tools on the host consider the enclave to be starting.
//!
//! Init sends one byte to the host and trusts nothing in its answer. A host that stays silent
//! delays the start but does not prevent it.

use crate::console::log;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::thread::sleep;
use std::time::Duration;
use vsock::{VMADDR_CID_HOST, VsockStream};

/// The parent instance as an enclave sees it. (2, the usual number of a host, is the hypervisor
/// here.)
const PARENT_CID: u32 = VMADDR_CID_HOST + 1;
const PORT: u32 = 9000;
const BYTE: u8 = 0xB7;

const ATTEMPTS: u32 = 10;
const TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);

/// Sends the heartbeat, trying for some seconds.
pub(crate) fn send() {
    for attempt in 1..=ATTEMPTS {
        match exchange() {
            Ok(()) => return log!("heartbeat answered"),
            Err(error) => log!("heartbeat {attempt} of {ATTEMPTS}: {error}"),
        }
        if attempt < ATTEMPTS {
            sleep(PAUSE);
        }
    }
    log!("nobody answered the heartbeat; starting all the same");
}

/// A connection attempt ends after the kernel's own limit of 2 s (AF_VSOCK's default connect
/// timeout).
fn exchange() -> Result<()> {
    let mut stream = VsockStream::connect_with_cid_port(PARENT_CID, PORT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(&[BYTE])?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer == [BYTE] {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidData,
        format!("answered with {answer:02x?}"),
    ))
}
