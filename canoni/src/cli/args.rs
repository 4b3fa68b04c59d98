//! What can be typed.

use canoni::{Format, Limits, Selector, TreeOptions, XattrPolicy};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Makes container images canonical: the same content gives the same bytes.
///
/// With the name of an image in the daemon it makes NAME-canoni:TAG there. It also reads a docker-archive of any dialect or an OCI
/// layout. It prints the digest of the canonical form and, with -o, writes it. Docker, podman and skopeo load the result like any other
/// image.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 110,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) options: Options,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say why two images differ: what they mean first, then how they are written
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffOptions),
    /// Say whether an image is in canonical form, and what is not
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckOptions),
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
pub(super) struct Options {
    /// NAME:TAG of an image in Docker's or podman's daemon, or a docker-archive or OCI layout: a tar file (gzip and zstd are
    /// recognised), a folder, or - for standard input
    #[arg(required_unless_present = "completions", value_hint = clap::ValueHint::AnyPath)]
    pub(super) image: Option<OsString>,

    /// Write the canonical image here; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// What to write
    #[arg(long, value_enum, default_value_t = OutputFormat::DockerArchive)]
    pub(super) format: OutputFormat,

    /// One layer with the resolved content, instead of the image's own layers
    #[arg(long)]
    pub(super) flatten: bool,

    /// Time of the image and its files, in seconds since 1970
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOURCE_DATE_EPOCH",
        default_value_t = 0
    )]
    pub(super) epoch: u64,

    /// Print the digest alone; nothing is written
    #[arg(long, conflicts_with_all = ["output", "json"])]
    pub(super) digest_only: bool,

    /// Describe the canonical image as JSON on standard output
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) from: ImageOptions,

    /// Name for the written image, instead of the names it has (may be repeated)
    #[arg(short, long = "tag", value_name = "NAME:TAG", value_parser = tag)]
    pub(super) tags: Vec<String>,

    /// Print completions for a shell
    // Not `exclusive`: SOURCE_DATE_EPOCH in the environment counts as an option, too.
    #[arg(long, value_name = "SHELL", conflicts_with_all = ["image", "output"])]
    pub(super) completions: Option<clap_complete::Shell>,
}

const EXAMPLES: &str = "Examples:
  canoni app:1                              # makes app-canoni:1
  docker save app:1 | canoni - --digest-only
  canoni app.tar -o app-canonical.tar
  canoni app.tar --flatten --format oci-dir -o app.oci
  canoni multi.oci.tar --platform linux/arm64 --json
  canoni multi.oci.tar --platform all --format oci-tar -o multi-canonical.tar
  canoni diff app:1 app:2
  canoni check app.tar

A file or folder of that name goes before an image in the daemon. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.";

const DIFF_EXAMPLES: &str = "Examples:
  canoni diff app:1 app:2
  canoni diff monday.tar tuesday.tar --flatten
  canoni diff a.tar b.tar --meaning --json

Exit codes, as those of diff: 0 no difference, 1 some, 2 trouble. With --meaning only what the canonical form keeps counts: 0 says that
both have one canonical digest.";

const CHECK_EXAMPLES: &str = "Examples:
  canoni check app.tar
  canoni check app-canoni:1 --json

Exit codes: 0 canonical, 1 not, 2 trouble.";

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
pub(super) struct DiffOptions {
    /// The first image: a file, a folder, - or NAME:TAG
    pub(super) left: OsString,
    /// The second one
    pub(super) right: OsString,
    /// Compare what the layers add up to, instead of layer by layer
    #[arg(long)]
    pub(super) flatten: bool,
    /// Only what the canonical form keeps
    #[arg(long)]
    pub(super) meaning: bool,
    /// All paths; otherwise, of what the canonical form takes away, three paths of each kind are named
    #[arg(long)]
    pub(super) all: bool,
    /// Print the differences as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) from: ImageOptions,
}

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// The image: a file, a folder, - or NAME:TAG
    pub(super) image: OsString,
    /// All paths; otherwise three of each kind are named
    #[arg(long)]
    pub(super) all: bool,
    /// Print the findings as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) from: ImageOptions,
}

/// How an image is found and read.
#[derive(Debug, Args)]
pub(super) struct ImageOptions {
    #[command(flatten)]
    pub(super) select: SelectOptions,
    #[command(flatten)]
    pub(super) tree: TreeFlags,
    #[command(flatten)]
    pub(super) limits: LimitOptions,
}

#[derive(Debug, Args)]
pub(super) struct SelectOptions {
    /// Which image of an archive that holds several
    #[arg(long = "image", id = "select", value_name = "NAME:TAG")]
    reference: Option<String>,

    /// Which platform of an image that exists for several; `all` keeps them all, in an OCI layout
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
}

impl SelectOptions {
    /// Whether all platforms are wanted, not one.
    pub(super) fn all_platforms(&self) -> bool {
        self.platform.as_deref() == Some("all")
    }

    pub(super) fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    pub(super) fn selector(&self) -> Selector {
        Selector {
            reference: self.reference.clone(),
            platform: self.platform.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct TreeFlags {
    /// Leave out extended attributes and tar keywords that the canonical form does not keep, instead of refusing them
    #[arg(long)]
    drop_xattrs: bool,

    /// Keep relative symbolic links that climb above the root, instead of refusing them
    #[arg(long)]
    allow_escaping_symlinks: bool,
}

impl TreeFlags {
    pub(super) fn options(&self) -> TreeOptions {
        TreeOptions {
            xattrs: if self.drop_xattrs {
                XattrPolicy::Drop
            } else {
                XattrPolicy::Refuse
            },
            escaping_symlinks: self.allow_escaping_symlinks,
            owner: None,
        }
    }
}

#[derive(Debug, Args)]
#[allow(clippy::struct_field_names)] // the names are the options
#[command(next_help_heading = "Limits against decompression bombs")]
pub(super) struct LimitOptions {
    /// Bytes of an archive, and of all layers of an image and their contents, uncompressed
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().archive_bytes)]
    max_bytes: u64,
    /// Entries of an archive, and of all layers of an image
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().entries)]
    max_entries: u64,
    /// Bytes of all paths, link targets and attributes of an image; a sixteenth of it for folders
    /// that no entry names
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().name_bytes)]
    max_name_bytes: u64,
    /// Bytes of a config, manifest or index
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().json_bytes)]
    max_json_bytes: u64,
    /// Bytes of one extended tar header
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().header_bytes)]
    max_header_bytes: u64,
    /// Layers of an image
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().layers)]
    max_layers: usize,
}

impl LimitOptions {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            archive_bytes: self.max_bytes,
            content_bytes: self.max_bytes,
            entries: self.max_entries,
            name_bytes: self.max_name_bytes,
            json_bytes: self.max_json_bytes,
            header_bytes: self.max_header_bytes,
            layers: self.max_layers,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Tar file for docker load, podman load, skopeo; an OCI layout as well
    DockerArchive,
    /// Tar file that holds an OCI layout
    OciTar,
    /// Folder that holds an OCI layout
    OciDir,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::DockerArchive => Self::DockerArchive,
            OutputFormat::OciTar => Self::OciTar,
            OutputFormat::OciDir => Self::OciDir,
        }
    }
}

/// A reference as Docker takes it, without a digest.
pub(super) fn tag(text: &str) -> Result<String, String> {
    if canoni::is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("is no image name; write NAME:TAG in lower case".into())
    }
}
