//! `eif build-enclave`: nitro-cli's command line, messages and answer.
//!
//! Facts: `aws-nitro-enclaves-cli`, `src/lib.rs` (arguments and messages) and
//! `src/common/json_output.rs`.

use super::args::InputArgs;
use super::build_enclave_args::BuildEnclaveArgs;
use super::{build, print_json};
use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The options of `build` alone, for [`InputArgs::for_enclave`].
#[derive(Debug, Parser)]
struct OnlyInputs {
    #[command(flatten)]
    inputs: InputArgs,
}

impl InputArgs {
    /// The arguments of `eif build` that mean the same as nitro-cli's.
    pub(super) fn for_enclave(args: &BuildEnclaveArgs) -> anyhow::Result<Self> {
        let words = ["build", "--arch", std::env::consts::ARCH, "image"];
        let mut inputs = OnlyInputs::try_parse_from(words)?.inputs;
        inputs.image = Some(PathBuf::from(&args.docker_uri));
        inputs.sign_key.clone_from(&args.private_key);
        inputs.sign_cert.clone_from(&args.signing_certificate);
        inputs.name.clone_from(&args.name);
        inputs.image_version.clone_from(&args.version);
        inputs.metadata.clone_from(&args.metadata);
        inputs.registry.clone_from(&args.registry);
        Ok(inputs)
    }
}

pub(super) fn run(args: &BuildEnclaveArgs) -> Result<ExitCode> {
    eprintln!("Start building the Enclave Image...");
    if let Some(key) = args.private_key.as_deref().and_then(Path::to_str)
        && key.starts_with("arn:")
    {
        bail!(
            "{key}: a key in KMS is used elsewhere: build without a signature, then eif sign \
             --export, aws kms sign, and eif sign --attach"
        );
    }
    if let Some(folder) = &args.docker_dir {
        docker_build(&args.docker_uri, folder)?;
    }
    let inputs = InputArgs::for_enclave(args)?;
    let built = build::run(&inputs, Some(&args.output), "building")?;
    eprintln!("Enclave Image successfully created.");
    print_json(&json!({ "Measurements": build::measurements(&built.pcrs) }))
}

/// Runs `docker build`. Its output is progress, so it goes to standard error.
fn docker_build(name: &str, folder: &Path) -> Result<()> {
    if name.starts_with('-') {
        bail!("{name} is not the name of an image");
    }
    if !folder.is_dir() {
        bail!("the directory {} does not exist", folder.display());
    }
    let status = Command::new("docker")
        .args(["build", "--tag", name, "--"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context(
            "--docker-dir needs the program docker; build the image yourself, and leave the option \
             out",
        )?;
    if status.success() {
        Ok(())
    } else {
        bail!("docker build of {} failed ({status})", folder.display())
    }
}
