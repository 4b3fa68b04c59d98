//! Options and what they do.

use anyhow::{Context, Result, bail};
use canoni::{
    Archive, Canonical, CanonicalOptions, Event, Format, Limits, Progress, Selector, TreeOptions,
    XattrPolicy,
};
use clap::{CommandFactory, Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Makes container images canonical: the same content gives the same bytes.
///
/// Reads a docker-archive of any dialect or an OCI layout, prints the digest of its canonical form and, with -o, writes
/// it. Docker, podman and skopeo load the result like any other image.
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
#[command(version, max_term_width = 110, after_help = EXAMPLES)]
struct Options {
    /// docker-archive or OCI layout: a tar file (gzip and zstd are recognised), a folder, or - for standard input
    #[arg(required_unless_present = "completions", value_hint = clap::ValueHint::AnyPath)]
    image: Option<PathBuf>,

    /// Write the canonical image here; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// What to write
    #[arg(long, value_enum, default_value_t = OutputFormat::DockerArchive)]
    format: OutputFormat,

    /// One layer with the resolved content, instead of the image's own layers
    #[arg(long)]
    flatten: bool,

    /// Time of the image and its files, in seconds since 1970
    #[arg(
        long,
        value_name = "SECONDS",
        env = "SOURCE_DATE_EPOCH",
        default_value_t = 0
    )]
    epoch: u64,

    /// Print the digest alone; nothing is written
    #[arg(long, conflicts_with_all = ["output", "json"])]
    digest_only: bool,

    /// Describe the canonical image as JSON on standard output
    #[arg(long)]
    json: bool,

    /// Which image of an archive that holds several
    #[arg(long = "image", id = "select", value_name = "NAME:TAG")]
    reference: Option<String>,

    /// Which platform of an image that exists for several
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,

    /// Name for the written image, instead of the names it has (may be repeated)
    #[arg(short, long = "tag", value_name = "NAME:TAG", value_parser = tag)]
    tags: Vec<String>,

    /// Leave out extended attributes and tar keywords that the canonical form does not keep, instead of refusing them
    #[arg(long)]
    drop_xattrs: bool,

    /// Keep relative symbolic links that climb above the root, instead of refusing them
    #[arg(long)]
    allow_escaping_symlinks: bool,

    #[command(flatten)]
    limits: LimitOptions,

    /// Print completions for a shell
    #[arg(long, value_name = "SHELL", exclusive = true)]
    completions: Option<clap_complete::Shell>,
}

const EXAMPLES: &str = "Examples:
  docker save app:1 | canoni - --digest-only
  canoni app.tar -o app-canonical.tar
  canoni app.tar --flatten --format oci-dir -o app.oci
  canoni multi.oci.tar --platform linux/arm64 --json";

#[derive(Debug, clap::Args)]
#[allow(clippy::struct_field_names)] // the names are the options
#[command(next_help_heading = "Limits against decompression bombs")]
struct LimitOptions {
    /// Bytes of an archive, a layer and its contents, uncompressed
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().archive_bytes)]
    max_bytes: u64,
    /// Entries of an archive or a layer
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().entries)]
    max_entries: u64,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
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
fn tag(text: &str) -> Result<String, String> {
    let (name, tag) = match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (text, "latest"),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let name_ok = !name.is_empty()
        && name.split('/').enumerate().all(|(at, part)| {
            let host = at == 0 && name.contains('/');
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| (plain(b) && (host || !b.is_ascii_uppercase())) || (host && b == b':'))
        });
    let tag_ok =
        (1..=128).contains(&tag.len()) && tag.bytes().all(plain) && !tag.starts_with(['.', '-']);
    if name_ok && tag_ok {
        Ok(text.to_owned())
    } else {
        Err("is no image name; write NAME:TAG in lower case".into())
    }
}

/// Set while a folder is being written that Ctrl-C must not leave half done.
static WRITING_FOLDER: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

pub(crate) fn run() -> Result<()> {
    let options = Options::parse();
    if let Some(shell) = options.completions {
        clap_complete::generate(
            shell,
            &mut Options::command(),
            "canoni",
            &mut std::io::stdout(),
        );
        return Ok(());
    }
    // Files have no name until they are finished, so only a folder needs to be tidied up.
    ctrlc::set_handler(|| {
        if !WRITING_FOLDER.load(Ordering::SeqCst) || STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .context("cannot catch signals")?;
    canonicalise(&options)
}

fn canonicalise(options: &Options) -> Result<()> {
    let to_stdout = options
        .output
        .as_deref()
        .is_some_and(|path| path.as_os_str() == "-");
    if to_stdout && std::io::stdout().is_terminal() {
        bail!("will not write an archive to a terminal; use -o FILE or a pipe");
    }
    if to_stdout && (options.json || options.format == OutputFormat::OciDir) {
        bail!(
            "standard output takes one tar archive and nothing else: no --json, no --format oci-dir"
        );
    }
    let limits = &options.limits;
    let limits = Limits {
        archive_bytes: limits.max_bytes,
        content_bytes: limits.max_bytes,
        entries: limits.max_entries,
        json_bytes: limits.max_json_bytes,
        header_bytes: limits.max_header_bytes,
        layers: limits.max_layers,
    };
    let path = options.image.as_deref().context("no image given")?;
    let archive = Archive::open(path, &limits)?;
    let selector = Selector {
        reference: options.reference.clone(),
        platform: options.platform.clone(),
    };
    let image = archive.image(&selector)?;
    let bar = progress_bar();
    let xattrs = if options.drop_xattrs {
        XattrPolicy::Drop
    } else {
        XattrPolicy::Refuse
    };
    let canonical = Canonical::from_image(
        &image,
        &CanonicalOptions {
            epoch: options.epoch,
            flatten: options.flatten,
            tree: TreeOptions {
                xattrs,
                escaping_symlinks: options.allow_escaping_symlinks,
                owner: None,
            },
            tags: if options.tags.is_empty() {
                image.tags().to_vec()
            } else {
                options.tags.clone()
            },
            progress: progress(&bar),
        },
    )?;
    if let Some(target) = &options.output {
        let format = options.format.into();
        WRITING_FOLDER.store(format == Format::OciDir, Ordering::SeqCst);
        if to_stdout {
            canonical.write_tar(&mut std::io::stdout(), format, "standard output")?;
            std::io::stdout()
                .flush()
                .context("cannot write standard output")?;
        } else {
            canonical.write(target, format)?;
        }
    }
    bar.finish_and_clear();
    report(options, &canonical, to_stdout)
}

fn report(options: &Options, canonical: &Canonical, to_stdout: bool) -> Result<()> {
    if to_stdout {
        eprintln!("{}", canonical.digest());
        return Ok(());
    }
    let text = if options.json {
        let layers: Vec<_> = canonical
            .diff_ids()
            .into_iter()
            .zip(canonical.layer_sizes())
            .map(|(digest, size)| serde_json::json!({"digest": digest, "size": size}))
            .collect();
        let value = serde_json::json!({
            "form": "canonical form v1",
            "digest": canonical.digest(),
            "imageId": canonical.image_id(),
            "epoch": options.epoch,
            "flattened": options.flatten,
            "layers": layers,
            "tags": canonical.tags(),
            "output": options.output,
        });
        serde_json::to_string_pretty(&value).context("cannot print JSON")?
    } else {
        canonical.digest()
    };
    writeln!(std::io::stdout(), "{text}").context("cannot write standard output")
}

/// Visible on a terminal only; indicatif respects NO_COLOR.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(
        "{msg:>8} {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec}",
    ) {
        bar.set_style(style);
    }
    bar
}

fn progress(bar: &ProgressBar) -> Progress {
    let bar = bar.clone();
    Progress::new(move |event| {
        match event {
            Event::Begin { what, bytes } => {
                bar.reset();
                bar.set_length(bytes);
                bar.set_message(what);
            }
            Event::Advance(bytes) => bar.inc(bytes),
        }
        if STOP.load(Ordering::SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}
