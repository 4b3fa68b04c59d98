//! The differences between operating systems. Nothing else in this package is for one of them
//! alone.

use std::fs::File;
use std::io;
use std::path::Path;

/// Major and minor number of a device, out of `st_rdev`.
pub(crate) fn device_numbers(rdev: u64) -> (u32, u32) {
    // `dev_t` has 64 bits on Linux; on Darwin it is an `int`, which the standard library widens.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::unnecessary_cast,
        trivial_numeric_casts,
        reason = "undoes the widening"
    )]
    let device = rdev as rustix::fs::Dev;
    (rustix::fs::major(device), rustix::fs::minor(device))
}

/// The error code of an extended attribute that a file does not have.
#[cfg(not(target_vendor = "apple"))]
pub(crate) const NO_ATTRIBUTE: rustix::io::Errno = rustix::io::Errno::NODATA;
#[cfg(target_vendor = "apple")]
pub(crate) const NO_ATTRIBUTE: rustix::io::Errno = rustix::io::Errno::NOATTR;

/// Whether an extended attribute is about this machine and not about the file: macOS notes where a
/// file came from (`com.apple.provenance`, `com.apple.quarantine`), which no image should tell.
pub(crate) fn is_of_the_machine(name: &[u8]) -> bool {
    cfg!(target_vendor = "apple") && name.starts_with(b"com.apple.")
}

/// Opens a file without a name in a folder, which vanishes with the process. `None` where the
/// operating system or the file system has no such files.
#[cfg(target_os = "linux")]
pub(crate) fn nameless(folder: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    use rustix::io::Errno;

    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match openat(CWD, folder, flags, Mode::from_raw_mode(0o666)) {
        Ok(fd) => Ok(Some(fd.into())),
        // Old kernels and some file systems do not know O_TMPFILE and see the folder alone.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn nameless(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Gives a file of [`nameless`] a name that nothing has yet.
#[cfg(target_os = "linux")]
pub(crate) fn link(file: &File, to: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;

    let from = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, &*from, CWD, to, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn link(_: &File, _: &Path) -> io::Result<()> {
    // There is no file to call it with.
    Err(io::ErrorKind::Unsupported.into())
}
