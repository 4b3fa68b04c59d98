//! File systems, devices and the loopback interface.

use crate::console::log;
use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;
use rustix::ioctl::{Setter, ioctl};
use rustix::mount::{MountFlags, mount, mount_bind, mount_move};
use rustix::net::{AddressFamily, SocketType, socket};
use std::error::Error;
use std::path::Path;

/// The mounts of the new root: type, place, flags, options.
///
/// The sizes bound what a program can take from the enclave's memory by writing files.
fn table() -> [(
    &'static str,
    &'static str,
    MountFlags,
    Option<&'static std::ffi::CStr>,
); 5] {
    let strict = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    [
        ("proc", "proc", strict, Some(c"hidepid=invisible")),
        ("sysfs", "sys", strict | MountFlags::RDONLY, None),
        (
            "devtmpfs",
            "dev",
            MountFlags::NOSUID | MountFlags::NOEXEC,
            Some(c"mode=0755"),
        ),
        ("tmpfs", "run", strict, Some(c"mode=0755,size=10%")),
        ("tmpfs", "tmp", strict, Some(c"mode=1777,size=50%")),
    ]
}

/// Makes `root` (relative to the initial root) the root directory, with its file systems mounted.
///
/// The initial root is an initramfs, which `pivot_root` cannot leave; so the directory is bound
/// onto itself, moved over the root and entered, as switch_root(8) does.
pub(crate) fn enter(root: &Path) -> Result<(), Box<dyn Error>> {
    let root = Path::new("/").join(root);
    let during = |step: String| move |error: Errno| format!("{step}: {error}");
    mount_bind(&root, &root).map_err(during(format!("binding {}", root.display())))?;
    rustix::process::chdir(&root).map_err(during(format!("entering {}", root.display())))?;
    for (kind, place, flags, options) in table() {
        make_directory(Path::new(place))?;
        mount(kind, place, kind, flags, options)
            .map_err(during(format!("mounting {kind} on /{place}")))?;
    }
    mount_move(".", "/").map_err(during("moving the root".to_owned()))?;
    rustix::process::chroot(".").map_err(during("changing the root".to_owned()))?;
    rustix::process::chdir("/").map_err(during("entering the root".to_owned()))?;
    Ok(())
}

/// A mount point is a directory. An image that has a link or a file in its place is refused,
/// because the mount would land elsewhere.
fn make_directory(place: &Path) -> Result<(), Box<dyn Error>> {
    match std::fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(format!("/{} of the image is not a directory", place.display()).into()),
        Err(_) => std::fs::create_dir(place)
            .map_err(|error| format!("creating /{}: {error}", place.display()).into()),
    }
}

/// Keeps kernel messages and addresses from programs. A kernel without the setting has nothing to
/// keep.
pub(crate) fn restrict_kernel() {
    for (setting, value) in [("dmesg_restrict", "1"), ("kptr_restrict", "2")] {
        let path = format!("/proc/sys/kernel/{setting}");
        if let Err(error) = std::fs::write(&path, value) {
            log!("{path} stays as it is: {error}");
        }
    }
}

/// Lets the program's group, and nobody else but root, use the NSM.
pub(crate) fn hand_over_nsm(group: u32) -> Result<(), Box<dyn Error>> {
    let device = "/dev/nsm";
    rustix::fs::chown(device, Some(Uid::ROOT), Some(Gid::from_raw(group)))
        .and_then(|()| rustix::fs::chmod(device, Mode::from_raw_mode(0o660)))
        .map_err(|error| format!("handing over {device}: {error}").into())
}

/// `struct ifreq` of netdevice(7) with its flags, for `SIOCSIFFLAGS`. The kernel reads 40 bytes.
#[repr(C)]
struct InterfaceFlags {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

const SIOCSIFFLAGS: rustix::ioctl::Opcode = 0x8914;
const IFF_UP: u16 = 1;

/// Brings up `lo`; the kernel gives it 127.0.0.1 by itself. An enclave has no other interface.
pub(crate) fn loopback_up() -> Result<(), Box<dyn Error>> {
    let mut request = InterfaceFlags {
        name: [0; 16],
        flags: IFF_UP,
        rest: [0; 22],
    };
    for (place, byte) in request.name.iter_mut().zip(b"lo") {
        *place = *byte;
    }
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    // SAFETY: SIOCSIFFLAGS reads a struct ifreq (40 bytes, this layout) and writes nothing.
    #[allow(unsafe_code)]
    let result = unsafe {
        ioctl(
            &socket,
            Setter::<SIOCSIFFLAGS, InterfaceFlags>::new(request),
        )
    };
    result.map_err(|error| format!("bringing up the loopback interface: {error}").into())
}
