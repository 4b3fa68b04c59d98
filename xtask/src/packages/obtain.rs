//! The ways to get pinned files: a given folder, the cache, apt, Debian's permanent archive.

use super::apt::PrivateApt;
use super::hash::hash_file;
use super::pins::{Pin, Pins};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

impl Pins {
    /// Brings every file into `folder`, verified. With `given`, files come from that folder alone.
    pub(crate) fn obtain(&self, folder: &Path, cache: &Path, given: Option<&Path>) -> Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        if let Some(given) = given {
            take(&self.packages, given, folder)?;
            return self.require(folder, &format!("they are not in {}", given.display()));
        }
        let mut reasons = Vec::new();
        if !missing(&self.packages, folder)?.is_empty()
            && let Err(error) = self.through_apt(folder, cache)
        {
            reasons.push(format!("apt: {error:#}"));
        }
        for pin in missing(&self.packages, folder)? {
            if let Err(error) = through_snapshot(pin, folder) {
                reasons.push(format!("permanent archive: {error:#}"));
                break;
            }
        }
        self.require(folder, &reasons.join("; "))
    }

    fn require(&self, folder: &Path, reason: &str) -> Result<()> {
        let absent = missing(&self.packages, folder)?;
        if absent.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = absent
            .iter()
            .map(|pin| format!("  {} (sha256 {}, {})", pin.file, pin.sha256, pin.url()))
            .collect();
        bail!(
            "{} of {} pinned files could not be had: {reason}\n{}\nPut them into a folder and give it with --packages",
            absent.len(),
            self.packages.len(),
            list.join("\n")
        )
    }

    fn through_apt(&self, folder: &Path, cache: &Path) -> Result<()> {
        let apt = PrivateApt::new(&cache.join("apt").join(&self.release), &self.release)?;
        let scratch = apt.scratch()?;
        let wanted: Vec<Pin> = missing(&self.packages, folder)?
            .into_iter()
            .cloned()
            .collect();
        let (sources, binaries): (Vec<&Pin>, Vec<&Pin>) =
            wanted.iter().partition(|pin| pin.is_source());
        let request = |pin: &&Pin| format!("{}={}", pin.name, pin.version);
        // The lists of a former run are often new enough.
        let all: Vec<String> = binaries.iter().map(request).collect();
        if !all.is_empty() && apt.download(scratch.path(), &all).is_err() {
            apt.update()?;
            if apt.download(scratch.path(), &all).is_err() {
                // One version that the mirror has dropped must not prevent the download of the
                // others.
                for package in &all {
                    let _ = apt.download(scratch.path(), std::slice::from_ref(package));
                }
            }
        }
        let mut names: Vec<(&str, &str)> = sources
            .iter()
            .map(|pin| (pin.name.as_str(), pin.version.as_str()))
            .collect();
        names.dedup();
        for (name, version) in names {
            if apt.download_source(scratch.path(), name, version).is_err() {
                apt.update()?;
                apt.download_source(scratch.path(), name, version)?;
            }
        }
        take(&wanted, scratch.path(), folder)
    }

    /// Pins the newest versions of the same packages: the way to move to another release of the
    /// toolchain.
    pub(crate) fn renew(&self, folder: &Path, cache: &Path) -> Result<Self> {
        let apt = PrivateApt::new(&cache.join("apt").join(&self.release), &self.release)?;
        apt.update()?;
        let mut packages = Vec::new();
        for pin in &self.packages {
            if pin.is_source() && !pin.file.is_empty() {
                bail!("{}: source packages are pinned by hand", pin.file);
            }
            let scratch = apt.scratch()?;
            let version = apt.candidate(&pin.name)?;
            apt.download(scratch.path(), &[format!("{}={version}", pin.name)])?;
            let path = files(scratch.path())?
                .pop()
                .with_context(|| format!("apt-get download {} left no file", pin.name))?;
            let hashes = hash_file(&path)?;
            let renewed = Pin {
                name: pin.name.clone(),
                file: pool_name(&path)?,
                size: hashes.size,
                sha256: hashes.sha256,
                sha1: hashes.sha1,
                version,
            };
            // Its bytes are pinned by what was hashed, and are compared again before they are used.
            fs::copy(&path, folder.join(&renewed.file))
                .context("cannot copy a package into the cache")?;
            packages.push(renewed);
        }
        packages.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Self {
            release: self.release.clone(),
            packages,
        })
    }
}

/// apt keeps the epoch in the file's name (`1%3a2.0`), the archive's pool does not.
fn pool_name(path: &Path) -> Result<String> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .with_context(|| format!("{} has no usable name", path.display()))?;
    let mut parts: Vec<&str> = name.split('_').collect();
    if let Some(version) = parts.get_mut(1)
        && let Some((_, rest)) = version.split_once("%3a")
    {
        *version = rest;
    }
    Ok(parts.join("_"))
}

/// The pins whose file is not in `folder`. A file with other bytes is removed: it can only be a
/// damaged download.
fn missing<'a>(pins: &'a [Pin], folder: &Path) -> Result<Vec<&'a Pin>> {
    let mut absent = Vec::new();
    for pin in pins {
        let path = folder.join(&pin.file);
        if !path.is_file() {
            absent.push(pin);
        } else if !pin.matches(&hash_file(&path)?) {
            fs::remove_file(&path)
                .with_context(|| format!("cannot remove the damaged {}", path.display()))?;
            absent.push(pin);
        }
    }
    Ok(absent)
}

/// Copies what matches from one folder to another, whatever the files are called.
fn take(pins: &[Pin], from: &Path, to: &Path) -> Result<()> {
    for path in files(from)? {
        let size = fs::metadata(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .len();
        if !pins.iter().any(|pin| pin.size == size) {
            continue;
        }
        let hashes = hash_file(&path)?;
        for pin in pins.iter().filter(|pin| pin.matches(&hashes)) {
            let partial = to.join(format!("{}.partial", pin.file));
            fs::copy(&path, &partial).with_context(|| format!("cannot copy {}", path.display()))?;
            fs::rename(&partial, to.join(&pin.file))
                .with_context(|| format!("cannot create {}", pin.file))?;
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry
            .with_context(|| format!("cannot list {}", folder.display()))?
            .path();
        if path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

fn through_snapshot(pin: &Pin, folder: &Path) -> Result<()> {
    let partial = folder.join(format!("{}.partial", pin.file));
    download(&pin.url(), pin.size, &partial)?;
    let hashes = hash_file(&partial)?;
    if !pin.matches(&hashes) {
        let _ = fs::remove_file(&partial);
        bail!(
            "{} has sha256 {}, expected {}",
            pin.url(),
            hashes.sha256,
            pin.sha256
        );
    }
    fs::rename(&partial, folder.join(&pin.file))
        .with_context(|| format!("cannot create {}", pin.file))
}

/// Downloads a file of a known size with curl. A longer file is not written, so that a
/// malicious server cannot fill the disk.
fn download(url: &str, size: u64, to: &Path) -> Result<()> {
    let mut child = Command::new("curl")
        // Ignores the user's curlrc; curl heeds this option only as the first.
        .arg("--disable")
        .args(["--fail", "--silent", "--location", "--max-redirs", "5"])
        .args(["--proto", "=https", "--proto-redir", "=https"])
        .args(["--retry", "3", "--connect-timeout", "20"])
        // Old versions of curl heed this only when the server announces a size.
        .args(["--max-filesize", &size.to_string()])
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run curl")?;
    let written = child
        .stdout
        .take()
        .context("curl has no output")
        .and_then(|output| write_at_most(output, size, to));
    if written.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().context("cannot wait for curl")?;
    written?;
    if !status.success() {
        bail!("{url} cannot be reached ({status})");
    }
    Ok(())
}

/// Writes at most `size` bytes to a file; more are an error.
fn write_at_most(mut from: impl Read, size: u64, to: &Path) -> Result<()> {
    let cannot = || format!("cannot write {}", to.display());
    let mut file = fs::File::create(to).with_context(cannot)?;
    std::io::copy(&mut from.by_ref().take(size), &mut file).with_context(cannot)?;
    if from.read(&mut [0]).context("cannot read what curl gives")? > 0 {
        let _ = fs::remove_file(to);
        bail!(
            "the server sends more than the {size} bytes of {}",
            to.display()
        );
    }
    Ok(())
}

#[cfg(test)]
#[path = "obtain_tests.rs"]
mod tests;
