//! Signatures in minisign's format, so that `minisign -V` checks them too.

use crate::files::write_atomically;
use crate::measurements::{self, path};
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use letsesign_measurements::{KEYS, Keys, NEXT, SIGNATURE_SUFFIX, SignatureState};
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Length of a secret key: algorithms, salt, limits, key number, key, checksum.
const SECRET_KEY_BYTES: usize = 158;

/// Arguments of `cargo xtask release sign`.
#[derive(Args, Debug)]
pub(super) struct SignArgs {
    /// Name of the release, or `status`
    name: String,
    /// The secret key, as minisign or `cargo xtask release key` writes it; its password is asked
    /// for when it has one
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Arguments of `cargo xtask release key`.
#[derive(Args, Debug)]
pub(super) struct KeyArgs {
    /// Name of the public key: measurements/keys/NAME.pub
    name: String,
    /// Where to write the secret key; outside of the repository
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Do not encrypt it with a password (for keys on an encrypted medium)
    #[arg(long)]
    no_password: bool,
}

pub(super) fn sign(workspace: &Workspace, arguments: &SignArgs) -> Result<()> {
    let name = &arguments.name;
    ensure!(
        name != NEXT,
        "next.json is not a release; make one first with: cargo xtask release new NAME"
    );
    let (files, history) = measurements::history(workspace)?;
    measurements::git::only_grew(workspace, &history)?;
    let file = format!("{name}.json");
    ensure!(
        name == "status" || history.named(name).is_some(),
        "measurements/ has no release {name:?}"
    );
    let bytes = files
        .get(&file)
        .with_context(|| format!("measurements/{file} is missing"))?;
    let secret = read_key(&arguments.key)?;
    let public = PublicKey::from_secret_key(&secret).context("the key has no public half")?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    // minisign's own form of a trusted comment.
    let comment = format!("timestamp:{seconds}\tfile:{file}\thashed");
    let untrusted = Some("signature from a release key of letsesign-enclave");
    let signature = minisign::sign(
        Some(&public),
        &secret,
        Cursor::new(bytes),
        Some(&comment),
        untrusted,
    )
    .context("cannot sign")?
    .into_string();
    // Whoever verifies must know the key; a signature that nobody accepts is not written.
    match history.keys.check(&file, bytes, Some(signature.as_bytes())) {
        SignatureState::Signed { key, .. } => {
            let output = path(workspace, &format!("{file}{SIGNATURE_SUFFIX}"));
            write_atomically(&output, signature.as_bytes())?;
            println!("{}\nsigned with key {key}", output.display());
            Ok(())
        }
        _ => anyhow::bail!(
            "the public half of {} is not in measurements/{KEYS}; verifiers would refuse the signature. Put it there as NAME.pub:\n{}",
            arguments.key.display(),
            public.to_box().context("the key has no public half")?
        ),
    }
}

/// Reads a secret key; the password is asked for on the terminal when there is one.
fn read_key(file: &Path) -> Result<SecretKey> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read the key {shown}"))?;
    let bytes = text
        .lines()
        .nth(1)
        .and_then(|line| BASE64_STANDARD.decode(line.trim()).ok())
        .filter(|bytes| bytes.len() == SECRET_KEY_BYTES && bytes.starts_with(b"Ed"))
        .with_context(|| {
            format!("{shown} is not a minisign secret key: a line of comment, then one of base64")
        })?;
    if bytes.get(2..4) == Some(&[0, 0]) {
        // A key without a password has no checksum either (minisign 0.11 writes zeros). A damaged
        // key shows when its signature is checked.
        return SecretKey::from_bytes(&bytes)
            .with_context(|| format!("{shown} is not a minisign secret key"));
    }
    let boxed = SecretKeyBox::from_string(&text)
        .with_context(|| format!("{shown} is not a minisign secret key"))?;
    boxed.into_secret_key(None).with_context(|| {
        format!(
            "cannot open the key {shown}: wrong password, or no terminal to ask for it; a key for \
             unattended use has none (release key --no-password, minisign -G -W)"
        )
    })
}

pub(super) fn key(workspace: &Workspace, arguments: &KeyArgs) -> Result<()> {
    letsesign_measurements::check_name(&arguments.name).map_err(anyhow::Error::msg)?;
    let secret_file = std::path::absolute(&arguments.key)?;
    let folder = secret_file.parent().unwrap_or(Path::new("/"));
    let folder = fs::canonicalize(folder)
        .with_context(|| format!("cannot find the folder {}", folder.display()))?;
    ensure!(
        !folder.starts_with(fs::canonicalize(workspace.root())?),
        "{} is in the repository; a secret key is kept elsewhere (docs/release.md)",
        secret_file.display()
    );
    let public_file = path(workspace, KEYS).join(format!("{}.pub", arguments.name));
    ensure!(
        !public_file.exists(),
        "{} is there already; a new key gets a new name",
        public_file.display()
    );
    let pair = if arguments.no_password {
        KeyPair::generate_unencrypted_keypair()
    } else {
        KeyPair::generate_encrypted_keypair(None)
    }
    .context("cannot make a key")?;
    let public = pair
        .pk
        .to_box()
        .context("cannot write the public key")?
        .to_string();
    let mut keys = Keys::default();
    keys.add(&arguments.name, &public)?;
    let comment = Some("secret key for releases of letsesign-enclave");
    let secret = pair.sk.to_box(comment).context("cannot write the key")?;
    // Never over another key, and readable by its owner alone.
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&secret_file)
        .and_then(|mut file| file.write_all(secret.into_string().as_bytes()))
        .with_context(|| format!("cannot write {}", secret_file.display()))?;
    fs::create_dir_all(path(workspace, KEYS))?;
    write_atomically(&public_file, public.as_bytes())?;
    println!(
        "secret key: {}\npublic key: {}",
        secret_file.display(),
        public_file.display()
    );
    Ok(())
}
