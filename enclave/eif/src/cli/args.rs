//! Commands, arguments and help texts.

use super::blobs::PartArgs;
use super::build_enclave_args::BuildEnclaveArgs;
use super::values::{Size, moment, owner, size};
use canoni::command::{LimitArgs, RegistryArgs};
use clap::{ArgGroup, Args, Parser, Subcommand};
use eif::Compression;
use eif::format::{DEFAULT_CPUS, DEFAULT_MEMORY};
use std::path::PathBuf;

/// Builds, measures, checks, signs and takes apart AWS Nitro Enclave images (EIF).
#[derive(Debug, Parser)]
#[command(
    name = "eif",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  eif build app.tar --kernel bzImage --cmdline @cmdline --init init -o app.eif
  eif describe app.eif
  eif verify app.eif --expect app.json
  eif diff old.eif new.eif

Exit codes: 0 success; 1 `verify` or `diff` says no; 2 error."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build an image from a container image, a root directory or finished ramdisks
    #[command(after_help = BUILD_EXAMPLES)]
    Build(Box<BuildArgs>),
    /// nitro-cli's command: build an image from a container image, and print nitro-cli's JSON
    #[command(after_help = super::build_enclave_args::EXAMPLES)]
    BuildEnclave(BuildEnclaveArgs),
    /// Compute the PCRs that `build` would give, without writing an image
    #[command(after_help = "\
Examples:
  eif measure app.tar --kernel bzImage --cmdline @cmdline --init init
  eif measure --json --kernel bzImage --cmdline @cmdline --ramdisk 1.cpio --ramdisk 2.cpio")]
    Measure(Box<MeasureArgs>),
    /// Show an image's PCRs, sections, kernel and signature
    #[command(after_help = "\
Examples:
  eif describe app.eif
  eif describe app.eif --json      # the fields of `nitro-cli describe-eif`")]
    Describe(FileArgs),
    /// Check every rule of the format, and the PCRs when they are known
    #[command(after_help = "\
Examples:
  eif verify app.eif
  eif verify app.eif --expect measurements/next.json
  eif verify app.eif --certificate signer.pem
  eif verify app.eif --at 2026-12-31T00:00:00Z   # will its certificate still be valid?")]
    Verify(VerifyArgs),
    /// Write an image's sections to a directory
    #[command(after_help = "\
Examples:
  eif extract app.eif -o app.d     # kernel, cmdline, metadata.json, ramdisk-1, ramdisk-2, ...")]
    Extract(ExtractArgs),
    /// Sign an image, with a key here or elsewhere
    #[command(after_help = "\
Examples:
  With a key in a file:
    eif sign app.eif --key key.pem --cert cert.pem -o signed.eif
  With a key elsewhere (here OpenSSL stands for the other machine):
    eif sign app.eif --export to-be-signed.bin --cert cert.pem
    openssl dgst -sha384 -sign key.pem -out signature.der to-be-signed.bin
    eif sign app.eif --attach signature.der --cert cert.pem -o signed.eif")]
    Sign(SignArgs),
    /// Show where two images differ: which section, which file in which ramdisk
    #[command(after_help = "\
Examples:
  eif diff old.eif new.eif
  eif diff --json old.eif new.eif")]
    Diff(DiffArgs),
    /// Print completions for a shell
    #[command(after_help = "\
Examples:
  eif completions bash > /etc/bash_completion.d/eif")]
    Completions {
        /// Shell to print for
        shell: clap_complete::Shell,
    },
}

const BUILD_EXAMPLES: &str = "\
Examples:
  A container image in Docker's or podman's daemon, with the kernel and init that are installed:
    eif build app:1 -o app.eif
  A container image (docker save, OCI layout):
    eif build app.tar --kernel bzImage --cmdline @cmdline --init init -o app.eif
  A container image of a registry, with the credentials of podman login and docker login:
    eif build docker://registry.example/app:1 -o app.eif
    eif build docker://build.lan:5000/app:1 --insecure build.lan:5000 -o app.eif
  A root directory:
    eif build --root rootfs --kernel bzImage --cmdline 'console=ttyS0 reboot=k' --init init \\
      --user 1000:1000 --env PATH=/bin -o app.eif -- /bin/app --flag
  Finished ramdisks, kept byte for byte:
    eif build --kernel bzImage --cmdline @cmdline --ramdisk init.cpio --ramdisk app.cpio -o app.eif
  A ramdisk behind the image's own, unpacked over them:
    eif build app.tar --ramdisk more.cpio -o app.eif
  AWS's kernel, init and nsm.ko:
    eif build app.tar --blobs /usr/share/nitro_enclaves/blobs -o app.eif";

#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    #[command(flatten)]
    pub(super) inputs: InputArgs,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Print the file's SHA-256 too (reads it once more)
    #[arg(long)]
    pub(super) sha256: bool,
}

#[derive(Debug, Args)]
pub(super) struct MeasureArgs {
    #[command(flatten)]
    pub(super) inputs: InputArgs,
}

#[derive(Debug, Args)]
pub(super) struct InputArgs {
    /// Container image (docker-archive tar, OCI layout as tar or directory, name in Docker's or
    /// podman's daemon; `-` is standard input) or root directory, known by its content; or with a
    /// transport as skopeo has it: oci:DIR[:TAG], oci-archive:FILE[:TAG],
    /// docker-archive:FILE[:NAME:TAG], dir:DIR, docker-daemon:NAME, containers-storage:NAME,
    /// docker://[HOST/]NAME[:TAG][@DIGEST] of a registry
    #[arg(
        value_name = "IMAGE",
        conflicts_with = "root",
        required_unless_present_any = ["root", "ramdisks"]
    )]
    pub(super) image: Option<PathBuf>,
    /// Root directory to put into the image
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// Finished ramdisk, kept byte for byte, behind those made of an image or directory where one
    /// is given; may be repeated
    #[arg(long = "ramdisk", value_name = "FILE")]
    pub(super) ramdisks: Vec<PathBuf>,
    /// Which image of an archive that holds several, as NAME:TAG
    #[arg(long, visible_alias = "image", value_name = "NAME:TAG")]
    pub(super) reference: Option<String>,
    /// Which platform of an image for several, as OS/ARCHITECTURE
    #[arg(long, value_name = "OS/ARCH")]
    pub(super) platform: Option<String>,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
    #[command(flatten)]
    pub(super) parts: PartArgs,
    /// Image name for the metadata [default: the container image's, or "enclave"]
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Image version for the metadata [default: the container image's tag, or "1.0"]
    #[arg(long = "version", value_name = "VERSION")]
    pub(super) image_version: Option<String>,
    /// JSON file that becomes CustomMetadata
    #[arg(long, value_name = "FILE")]
    pub(super) metadata: Option<PathBuf>,
    /// Memory when the host does not say, in bytes or with K, M or G (powers of 1024)
    #[arg(long, default_value_t = Size(DEFAULT_MEMORY), value_parser = size, value_name = "SIZE")]
    pub(super) default_memory: Size,
    /// Virtual CPUs when the host does not say
    #[arg(long, default_value_t = DEFAULT_CPUS, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) default_cpus: u64,
    /// Compress ramdisks: none, gzip, gzip:1 to gzip:9, zstd, lz4 or lz4hc (smaller and much slower
    /// to make, as fast to boot); the kernel must know it
    #[arg(long, default_value = "none")]
    pub(super) compress: Compression,
    /// Leave out extended attributes, which an initramfs cannot carry, instead of refusing them
    #[arg(long)]
    pub(super) drop_xattrs: bool,
    /// Owner of every file of a root directory, instead of the owner on disk
    #[arg(long, value_name = "UID:GID", value_parser = owner)]
    pub(super) owner: Option<(u32, u32)>,
    #[command(flatten)]
    pub(super) process: ProcessArgs,
    /// Sign with this private key on P-256, P-384 or P-521 (PEM)
    #[arg(long, value_name = "FILE", requires = "sign_cert")]
    pub(super) sign_key: Option<PathBuf>,
    /// Certificate of the signing key (PEM)
    #[arg(long, value_name = "FILE", requires = "sign_key")]
    pub(super) sign_cert: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

#[derive(Debug, Args)]
pub(super) struct ProcessArgs {
    /// Program or argument to run, one word each time, instead of the image's Entrypoint and Cmd
    #[arg(
        long,
        value_name = "WORD",
        allow_hyphen_values = true,
        conflicts_with = "command"
    )]
    pub(super) exec: Vec<String>,
    /// Environment variable, added to the image's or replacing it; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) env: Vec<String>,
    /// User and group to run as, names or numbers, instead of the image's User
    #[arg(long, value_name = "USER[:GROUP]")]
    pub(super) user: Option<String>,
    /// Directory to start in, instead of the image's WorkingDir
    #[arg(long, value_name = "DIR")]
    pub(super) workdir: Option<String>,
    /// The program and its arguments, like --exec
    #[arg(last = true, value_name = "PROGRAM")]
    pub(super) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// Enclave image
    pub(super) file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Enclave image
    pub(super) file: PathBuf,
    /// JSON file with the PCRs that the image must have
    #[arg(long, value_name = "FILE")]
    pub(super) expect: Option<PathBuf>,
    /// The image must be signed, by the key of this certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(super) certificate: Option<PathBuf>,
    /// Moment at which the signing certificate should be valid, such as 2026-12-31T00:00:00Z or
    /// seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) at: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// Enclave image
    pub(super) file: PathBuf,
    /// Directory to create
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: PathBuf,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("how").required(true).args(["key", "export", "attach"])))]
pub(super) struct SignArgs {
    /// Enclave image
    pub(super) file: PathBuf,
    /// Private key on P-256, P-384 or P-521 (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["cert", "output"])]
    pub(super) key: Option<PathBuf>,
    /// Write the bytes to be signed elsewhere, for the key of --cert [default: a P-384 key]; `-` is
    /// standard output
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub(super) export: Option<PathBuf>,
    /// Signature made elsewhere, DER or r and s (64, 96 or 132 bytes)
    #[arg(long, value_name = "FILE", requires_all = ["cert", "output"])]
    pub(super) attach: Option<PathBuf>,
    /// Certificate of the key (PEM)
    #[arg(long, value_name = "FILE")]
    pub(super) cert: Option<PathBuf>,
    /// File to write; may be the image itself
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// One image
    pub(super) a: PathBuf,
    /// The other
    pub(super) b: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}
