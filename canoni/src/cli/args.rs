//! The command line.

use canoni::command::{LimitArgs, RegistryArgs};
use canoni::{Format, Progress, RegistryOptions, Selector, TreeOptions, XattrPolicy};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;

/// Makes container images canonical: the same content gives the same bytes.
///
/// With the name of an image in the daemon it makes NAME-canoni:TAG there. It also reads a
/// docker-archive of any dialect or an OCI layout. It prints the digest of the canonical form and,
/// with -o, writes it. Docker, podman and skopeo load the result like any other image.
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
    /// NAME:TAG of an image in Docker's or podman's daemon, or a docker-archive or OCI layout: a
    /// tar file (gzip, zstd, xz and bzip2 are recognised), a folder, or - for standard input. With
    /// a transport as skopeo has it: oci:DIR[:TAG], oci-archive:FILE[:TAG],
    /// docker-archive:FILE[:NAME:TAG], dir:DIR, docker-daemon:NAME, containers-storage:NAME,
    /// docker://[HOST/]NAME[:TAG][@DIGEST] of a registry
    #[arg(required_unless_present = "completions", value_hint = clap::ValueHint::AnyPath)]
    pub(super) image: Option<OsString>,

    /// Write the canonical image here; - is standard output. oci:DIR[:TAG], oci-archive:FILE[:TAG]
    /// and docker-archive:FILE[:NAME:TAG] say format and name as well, docker-daemon:NAME:TAG loads
    /// it into the daemon, docker://HOST/NAME:TAG pushes it to a registry
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<OsString>,

    /// Format to write [default: docker-archive, or that of the output's transport]
    #[arg(long, value_enum)]
    pub(super) format: Option<OutputFormat>,

    /// One layer with the resolved content, instead of the image's own layers
    #[arg(long)]
    pub(super) flatten: bool,

    /// Time of the image and its files, in seconds since 1970 [default: SOURCE_DATE_EPOCH, else 0]
    #[arg(long, value_name = "SECONDS")]
    pub(super) epoch: Option<u64>,

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
    #[arg(long, value_name = "SHELL", conflicts_with_all = ["image", "output"])]
    pub(super) completions: Option<clap_complete::Shell>,
}

impl Options {
    /// The time that was given: by the option, else by SOURCE_DATE_EPOCH, which counts as unset
    /// where it is empty.
    pub(super) fn time(&self) -> anyhow::Result<u64> {
        if let Some(epoch) = self.epoch {
            return Ok(epoch);
        }
        let variable = std::env::var_os("SOURCE_DATE_EPOCH").unwrap_or_default();
        if variable.is_empty() {
            return Ok(0);
        }
        let number = variable.to_str().and_then(|text| text.parse().ok());
        number.ok_or_else(|| {
            anyhow::anyhow!(
                "SOURCE_DATE_EPOCH is {:?}, which is not a number of seconds since 1970; unset it or \
                 use --epoch",
                variable.to_string_lossy()
            )
        })
    }
}

const EXAMPLES: &str = "Examples:
  canoni app:1                              # makes app-canoni:1
  docker save app:1 | canoni - --digest-only
  canoni app.tar -o app-canonical.tar
  canoni app.tar --flatten --format oci-dir -o app.oci
  canoni multi.oci.tar --platform linux/arm64 --json
  canoni multi.oci.tar --platform all --format oci-tar -o multi-canonical.tar
  canoni oci:layout:1.0 -o docker-archive:app.tar:app:1.0
  canoni docker://alpine:3 --platform linux/amd64 -o alpine.tar
  canoni app.tar -o docker://registry.example/app:1
  canoni docker://build.lan:5000/app:1 --insecure build.lan:5000
  canoni diff app:1 app:2
  canoni check app.tar

Registries: credentials are those of podman login and docker login. A file or folder of that name goes before an image in the daemon.
The canonical history has no times, over which podman history and umoci stat stumble: read it by skopeo inspect --config. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.";

const DIFF_EXAMPLES: &str = "Examples:
  canoni diff app:1 app:2
  canoni diff monday.tar tuesday.tar --flatten
  canoni diff a.tar b.tar --meaning --json
  canoni diff a.oci.tar b.oci.tar --platform all
  canoni diff app.tar docker://registry.example/app:1

Exit codes, as those of diff: 0 no difference, 1 some, 2 trouble. With --meaning only what the canonical form keeps counts: 0 says that
both have one canonical digest.";

const CHECK_EXAMPLES: &str = "Examples:
  canoni check app.tar
  canoni check app-canoni:1 --json
  canoni check multi.oci.tar --platform all
  canoni check docker://registry.example/app:1

Exit codes: 0 canonical, 1 not, 2 trouble.";

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
pub(super) struct DiffOptions {
    /// The first image: a file, a folder, -, NAME:TAG, or with a transport as for canoni itself
    pub(super) left: OsString,
    /// The second one
    pub(super) right: OsString,
    /// Compare what the layers add up to, instead of layer by layer
    #[arg(long)]
    pub(super) flatten: bool,
    /// Only what the canonical form keeps
    #[arg(long)]
    pub(super) meaning: bool,
    /// All paths; otherwise, of what the canonical form takes away, three paths of each kind are
    /// named
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
    /// The image: a file, a folder, -, NAME:TAG, or with a transport as for canoni itself
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
    pub(super) limits: LimitArgs,
}

#[derive(Debug, Args)]
pub(super) struct SelectOptions {
    /// Which image of an archive that holds several
    #[arg(long, visible_alias = "image", value_name = "NAME:TAG")]
    reference: Option<String>,

    /// Which platform of an image that exists for several; `all` takes them all (written as an OCI
    /// layout, checked and compared one by one)
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,

    #[command(flatten)]
    registry: RegistryArgs,
}

impl SelectOptions {
    /// How registries are asked.
    pub(super) fn registry(&self, progress: Progress) -> RegistryOptions {
        self.registry.options(self.all_platforms(), progress)
    }

    /// Whether all platforms are wanted, not one.
    pub(super) fn all_platforms(&self) -> bool {
        self.platform.as_deref() == Some("all")
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
    /// Leave out extended attributes and tar keywords that the canonical form does not keep,
    /// instead of refusing them
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
        Err("is not an image name; write NAME:TAG in lower case".into())
    }
}
