//! The sysroot: `enclave/base` unpacked under the target directory, with the host's shared libc
//! beside it for build scripts.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// An unpacked sysroot.
#[derive(Debug)]
pub(crate) struct Sysroot {
    path: PathBuf,
    /// The program interpreter of this machine, for build scripts.
    pub(crate) dynamic_linker: PathBuf,
}

impl Sysroot {
    /// Unpacks `enclave/base` (verifying the sums) unless that has been done for these very
    /// packages.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self> {
        let base = workspace.path("enclave/base");
        let sums = read_sums(&base.join("SHA256SUMS"))?;
        let files = Files::read(&base)?;
        let mut identity = Sha256::new();
        for (sum, name) in &sums {
            identity.update(format!("{sum}  {name}\n"));
        }
        for path in &files.0 {
            identity.update(format!("{path}\n"));
        }
        let key = hex::encode(identity.finalize());
        let target = workspace.target()?;
        let path = target.join(format!("sysroot-{}", key.get(..16).unwrap_or(&key)));
        let staging = tempfile::Builder::new()
            .prefix("sysroot.")
            .tempdir_in(&target)
            .with_context(|| format!("cannot create a directory in {}", target.display()))?;
        let lib = staging.path().join("lib");
        unpack(&base, &sums, &files, &lib)?;
        // tempfile makes its directory private to the user; the linker may run as another one.
        fs::set_permissions(staging.path(), fs::Permissions::from_mode(0o755))?;
        match fs::rename(staging.path(), &path) {
            // An earlier run or another task made it, and anybody may have changed it since; what
            // lies there is linked into the measured programs.
            Err(_) if path.is_dir() => same_files(&lib, &path.join("lib"))?,
            other => {
                other.with_context(|| format!("cannot create {}", path.display()))?;
                let _ = staging.keep();
            }
        }
        let dynamic_linker = link_host_libraries(&path.join("dyn"))?;
        Ok(Self {
            path,
            dynamic_linker,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// `cargo xtask sysroot`: makes the sysroot unless it is there, and prints where.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    println!("{}", Sysroot::prepare(workspace)?.path().display());
    Ok(())
}

/// The files taken from the packages, by their paths there: `enclave/base/FILES`, which the Nix
/// build reads as well. Anything else in the packages is left alone.
pub(crate) struct Files(Vec<String>);

impl Files {
    pub(crate) fn read(base: &Path) -> Result<Self> {
        let path = base.join("FILES");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot use {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let files: Vec<String> = text.lines().map(str::to_owned).collect();
        if files.is_empty() {
            bail!("it names no file");
        }
        for (index, path) in files.iter().enumerate() {
            let parts: Vec<&str> = path.split('/').collect();
            if parts.len() < 2 || parts.iter().any(|part| ["", ".", ".."].contains(part)) {
                bail!("line {}: expected a relative path in a package", index + 1);
            }
        }
        Ok(Self(files))
    }

    /// The names under which the files lie in the sysroot.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|path| path.rsplit('/').next())
    }

    /// The name of a member of a package, if it is wanted.
    fn wanted(&self, path: &Path) -> Option<&str> {
        let path = path.strip_prefix(".").unwrap_or(path).to_str()?;
        let found = self.0.iter().find(|wanted| *wanted == path)?;
        found.rsplit('/').next()
    }
}

/// Fails unless `found` has the files of `expected`, byte for byte, and no others.
fn same_files(expected: &Path, found: &Path) -> Result<()> {
    let names = |folder: &Path| -> Result<BTreeSet<OsString>> {
        let cannot = || format!("cannot list {}", folder.display());
        fs::read_dir(folder)
            .with_context(cannot)?
            .map(|entry| Ok(entry.with_context(cannot)?.file_name()))
            .collect()
    };
    let (wanted, there) = (names(expected)?, names(found)?);
    let differs = |name: &&OsString| {
        let file = found.join(name);
        let plain = fs::symlink_metadata(&file).is_ok_and(|file| file.is_file());
        !plain || fs::read(expected.join(name)).ok() != fs::read(&file).ok()
    };
    let strange = wanted.symmetric_difference(&there).next();
    if let Some(name) = strange.or_else(|| wanted.iter().find(differs)) {
        bail!(
            "{} is not as enclave/base has it; somebody changed it. Remove {} and build again",
            found.join(name).display(),
            found.parent().unwrap_or(found).display()
        );
    }
    Ok(())
}

/// Reads a file in sha256sum's format: (lower-case hex digest, file name) pairs.
pub(crate) fn read_sums(path: &Path) -> Result<Vec<(String, String)>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .enumerate()
        .map(|(index, line)| match line.split_once("  ") {
            Some((sum, name)) if sum.len() == 64 && !name.contains('/') => {
                Ok((sum.to_owned(), name.to_owned()))
            }
            _ => bail!(
                "{}:{}: expected SHA-256, two spaces, file name",
                path.display(),
                index + 1
            ),
        })
        .collect()
}

fn unpack(base: &Path, sums: &[(String, String)], files: &Files, lib: &Path) -> Result<()> {
    fs::create_dir_all(lib).with_context(|| format!("cannot create {}", lib.display()))?;
    for (sum, name) in sums {
        let bytes = verified(base, sum, name)?;
        unpack_deb(&bytes, files, lib)
            .with_context(|| format!("cannot unpack {}", base.join(name).display()))?;
    }
    for name in files.names() {
        if !lib.join(name).is_file() {
            bail!("no package of enclave/base holds {name}");
        }
    }
    // Debian's libm.a is a linker script with absolute paths; the name of a file reaches no output,
    // but where it is looked for must not depend on the host.
    fs::write(lib.join("libm.a"), "GROUP ( libm-2.36.a libmvec.a )\n")?;
    Ok(())
}

/// A package's bytes, when they have their sum.
pub(crate) fn verified(base: &Path, sum: &str, name: &str) -> Result<Vec<u8>> {
    let package = base.join(name);
    let bytes = fs::read(&package).with_context(|| format!("cannot read {}", package.display()))?;
    let actual = hex::encode(Sha256::digest(&bytes));
    if actual != *sum {
        bail!(
            "{}: SHA-256 is {actual}, but SHA256SUMS says {sum}; restore the file with: git checkout -- enclave/base",
            package.display()
        );
    }
    Ok(bytes)
}

/// A Debian package is an ar archive (deb(5)) whose member `data.tar.xz` holds the files.
pub(crate) fn unpack_deb(bytes: &[u8], files: &Files, lib: &Path) -> Result<()> {
    let mut archive = ar::Archive::new(bytes);
    while let Some(member) = archive.next_entry() {
        let member = member?;
        if member.header().identifier() != b"data.tar.xz" {
            continue;
        }
        let mut data = tar::Archive::new(lzma_rust2::XzReader::new(member, true));
        for entry in data.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let Some(name) = files.wanted(&path) else {
                continue;
            };
            if !entry.header().entry_type().is_file() {
                bail!("{} is not a regular file", path.display());
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            fs::write(lib.join(name), content)?;
        }
        return Ok(());
    }
    bail!("no data.tar.xz member: not a Debian package as Debian 12 makes them")
}

/// Fills `directory` with what dynamic programs of this machine (build scripts, proc macros) link
/// against, and returns their program interpreter. Both are found by looking at what this very
/// process has been loaded with.
fn link_host_libraries(directory: &Path) -> Result<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").context("cannot read /proc/self/maps")?;
    let loaded = |name: &str| {
        maps.lines()
            .filter_map(|line| line.split_whitespace().nth(5))
            .map(PathBuf::from)
            .find(|path| path.file_name().is_some_and(|file| file == name))
    };
    let libc = loaded("libc.so.6")
        .context("xtask runs without a shared glibc; build it with the gnu toolchain that rust-toolchain.toml names")?;
    let interpreter = loaded("ld-linux-x86-64.so.2").context("no program interpreter is loaded")?;
    let libgcc = loaded("libgcc_s.so.1").context("libgcc_s.so.1 is not loaded")?;
    let libm = loaded("libm.so.6").unwrap_or_else(|| libc.with_file_name("libm.so.6"));
    let libraries = [
        ("libc.so.6", &libc),
        ("libm.so.6", &libm),
        ("libm.so", &libm),
        ("libgcc_s.so.1", &libgcc),
        ("libgcc_s.so", &libgcc),
        ("ld-linux-x86-64.so.2", &interpreter),
    ];
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    for (name, library) in libraries {
        let link = directory.join(name);
        if fs::read_link(&link).is_ok_and(|target| target == *library) {
            continue;
        }
        let _ = fs::remove_file(&link);
        symlink(library, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    fs::write(
        directory.join("libc.so"),
        "GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( ld-linux-x86-64.so.2 ) )\n",
    )?;
    Ok(interpreter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_files_are_wanted() {
        let files = Files::parse("usr/lib/x86_64-linux-gnu/libc.a\n").unwrap();
        let wanted = |path| files.wanted(Path::new(path));
        assert_eq!(wanted("./usr/lib/x86_64-linux-gnu/libc.a"), Some("libc.a"));
        assert_eq!(wanted("./usr/lib/x86_64-linux-gnu/libm.a"), None);
        assert_eq!(wanted("./usr/lib/libc.a"), None);
        for bad in [
            "",
            "libc.a\n",
            "/usr/libc.a\n",
            "usr/../libc.a\n",
            "usr/libc.a\n\n",
        ] {
            assert!(Files::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_changed_package_is_refused() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("x.deb"), b"changed").unwrap();
        let sums = vec![("0".repeat(64), "x.deb".to_owned())];
        let files = Files::parse("usr/lib/libc.a").unwrap();
        let error = unpack(base.path(), &sums, &files, &base.path().join("lib")).unwrap_err();
        assert!(
            error.to_string().contains("SHA256SUMS says 000"),
            "{error:#}"
        );
    }

    /// A libc.a with a back door in the target directory, and a library that the linker would find
    /// first.
    #[test]
    fn a_changed_sysroot_is_refused() {
        let (expected, found) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |folder: &tempfile::TempDir, name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
        };
        for folder in [&expected, &found] {
            write(folder, "libc.a", "good");
        }
        same_files(expected.path(), found.path()).unwrap();
        let refused = |name: &str| {
            let error = same_files(expected.path(), found.path())
                .unwrap_err()
                .to_string();
            assert!(error.contains(name) && error.contains("changed"), "{error}");
        };
        write(&found, "libc.a", "evil");
        refused("libc.a");
        write(&found, "libc.a", "good");
        write(&found, "libdl.so", "evil");
        refused("libdl.so");
        fs::remove_file(found.path().join("libdl.so")).unwrap();
        fs::remove_file(found.path().join("libc.a")).unwrap();
        refused("libc.a");
        symlink(expected.path().join("libc.a"), found.path().join("libc.a")).unwrap();
        refused("libc.a");
    }

    #[test]
    fn sums_name_the_bad_line() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("SHA256SUMS");
        fs::write(&file, "nonsense\n").unwrap();
        assert!(
            read_sums(&file)
                .unwrap_err()
                .to_string()
                .contains("SHA256SUMS:1")
        );
    }
}
