//! The enclave image: built from the measured programs, packages and configurations, measured, and
//! compared with `measurements/next.json`.

mod check;
mod manifest;
pub(crate) mod record;
pub(crate) mod sum;

use crate::hermetic::{self, INIT, SERVER};
use crate::image;
use crate::measurements;
use crate::packages::Packages;
use crate::sbom;
use crate::workspace::{IMAGE_NAME as NAME, Workspace};
use anyhow::{Context, Result};
use canoni::{Canonical, CanonicalOptions, Format, Selector, TreeOptions};
use clap::Args;
use eif::{Build, Compression, Metadata, Ramdisks, Source};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// How the ramdisks of our image are stored; docs/kernel.md has the measurements behind the choice.
const COMPRESSION: Compression = Compression::Lz4Hc;

/// Arguments of `cargo xtask eif`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask eif\n  cargo xtask eif --check\n  cargo xtask eif --json | jq -r '.pcrs.\"0\"'\n  \
    cargo xtask eif --from docker.tar --check     an image that Docker built\n  \
    cargo xtask eif --programs DIR --output DIR   programs that another build made"
)]
pub(crate) struct EifArgs {
    /// Compare with all that measurements/next.json records and with next.sha256, and explain a
    /// difference
    #[arg(long)]
    check: bool,
    /// Compare with all that measurements/NAME.json records, a release
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    against: Option<String>,
    /// Print the description as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sources: Sources,
    /// Put the artefacts here instead of target/enclave
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Parts that were made elsewhere.
#[derive(Args, Debug, Default)]
pub(crate) struct Sources {
    /// Take this container image instead of making one
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Take letsesign-init and letsesign-server from this directory instead of building them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Arguments of `cargo xtask image`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask image\n  cargo xtask image --context target/enclave/docker && \
    docker build -f enclave/Dockerfile target/enclave/docker"
)]
pub(crate) struct ImageArgs {
    /// Write a build context for enclave/Dockerfile into this directory instead
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
}

/// Arguments of `cargo xtask measure`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo xtask measure                   build the image and print its measurements\n  \
    cargo xtask measure --write           ... and record them as those of this tree\n  \
    cargo xtask measure --files           check the files of measurements/, without a build\n  \
    cargo xtask measure --files --write   write tcb-info.json again"
)]
pub(crate) struct MeasureArgs {
    /// Write measurements/next.json, its manifest and the image's SHA-256; with --files, write
    /// tcb-info.json
    #[arg(long)]
    write: bool,
    /// Build nothing: check the files of measurements/ against each other and against git
    #[arg(long)]
    files: bool,
    /// Fail without a git history to compare LEDGER and status.json with (REQUIRE_ALL=1 means the
    /// same)
    #[arg(long, requires = "files")]
    require_history: bool,
}

/// Description of a built image: the content of `letsesign-enclave.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Description {
    name: &'static str,
    version: &'static str,
    /// PCR0, PCR1 and PCR2: 96 hexadecimal digits each.
    pcrs: std::collections::BTreeMap<String, String>,
    eif: FileDescription,
    image: ImageDescription,
    sections: Vec<eif::SectionSize>,
}

#[derive(Debug, Serialize)]
struct FileDescription {
    sha256: String,
    /// Bytes.
    size: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDescription {
    /// Digest of the OCI manifest in canonical form v1.
    digest: String,
    /// Digest of the configuration.
    image_id: String,
}

/// Where the artefacts of one build are.
struct Artifacts {
    directory: PathBuf,
}

impl Artifacts {
    fn new(workspace: &Workspace, given: Option<&Path>) -> Result<Self> {
        let directory = match given {
            Some(directory) => directory.to_owned(),
            None => workspace.artifacts()?,
        };
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(Self { directory })
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.directory.join(format!("{NAME}.{extension}"))
    }
}

/// Builds the image with this tree's own parts, into `target/enclave`.
pub(crate) fn build(workspace: &Workspace) -> Result<Description> {
    build_from(workspace, &Sources::default(), None)
}

/// Compares the image that was built last with `measurements/next.json`.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let artifacts = Artifacts::new(workspace, None)?;
    let built = record::of(workspace, &artifacts.directory)?;
    let problems = crate::schemas::of_image(workspace, &artifacts.file("json"))?;
    anyhow::ensure!(
        problems.is_empty(),
        "not as their schemas say:\n  {}",
        problems.join("\n  ")
    );
    check::against_next(workspace, &artifacts.file("eif"), &built)
}

fn build_from(
    workspace: &Workspace,
    sources: &Sources,
    output: Option<&Path>,
) -> Result<Description> {
    let artifacts = Artifacts::new(workspace, output)?;
    // Where another build made the programs (Nix), cargo may be missing.
    if sources.programs.is_none() {
        sbom::check(workspace)?;
    }
    let init = program(workspace, sources, INIT)?;
    let archive = match &sources.from {
        Some(archive) => archive.clone(),
        None => write_image(workspace, &program(workspace, sources, SERVER)?, &artifacts)?,
    };
    build_eif(workspace, &archive, &init, &artifacts)
}

/// A measured program: built here, or taken from a directory.
fn program(
    workspace: &Workspace,
    sources: &Sources,
    program: hermetic::Program,
) -> Result<PathBuf> {
    match &sources.programs {
        Some(directory) => Ok(directory.join(program.name)),
        None => hermetic::build(workspace, program),
    }
}

/// Writes the container image in canonical form.
fn write_image(workspace: &Workspace, server: &Path, artifacts: &Artifacts) -> Result<PathBuf> {
    let path = artifacts.file("tar");
    let tree = image::tree(workspace, server)?;
    let options = CanonicalOptions {
        tags: vec![image::REFERENCE.to_owned()],
        ..CanonicalOptions::default()
    };
    Canonical::from_tree(tree, &image::configuration(), &options)?
        .write(&path, Format::DockerArchive)?;
    Ok(path)
}

/// A container image in canonical form, whatever tool made it.
fn canonical(image: &canoni::Image) -> Result<Canonical> {
    let options = CanonicalOptions {
        flatten: true,
        ..CanonicalOptions::default()
    };
    Ok(Canonical::from_image(image, &options)?)
}

/// Turns a container image into an EIF. The canonical image is read back from its archive, so that
/// an image that Docker made takes exactly the same path.
fn build_eif(
    workspace: &Workspace,
    archive: &Path,
    init: &Path,
    artifacts: &Artifacts,
) -> Result<Description> {
    let opened =
        canoni::Archive::open(archive, &canoni::Limits::default())?.image(&Selector::default())?;
    let canonical = canonical(&opened)?;
    let source = Source::archive(archive, &Selector::default(), &TreeOptions::default())?;
    let kernel = Packages::load(&workspace.path("enclave/packages"))?.kernel()?;
    let cmdline = command_line(workspace)?;
    let ramdisks = Ramdisks::Bundle {
        init,
        tree: &source.tree,
        process: &source.process,
    };
    let mut build = Build::new(
        &kernel.path,
        &cmdline,
        ramdisks,
        Metadata::new(NAME, env!("CARGO_PKG_VERSION")),
    );
    build.compression = COMPRESSION;
    // The metadata holds no time and no revision: two builds of one tree give equal files.
    let path = artifacts.file("eif");
    let built = build.write(&path)?;
    let parts = sbom::Parts {
        name: NAME,
        version: env!("CARGO_PKG_VERSION"),
        eif: &path,
        init,
        tree: &source.tree,
    };
    sbom::write(workspace, &parts, &artifacts.file("cdx.json"))?;

    let pcrs = [&built.pcrs.pcr0, &built.pcrs.pcr1, &built.pcrs.pcr2];
    let description = Description {
        name: NAME,
        version: env!("CARGO_PKG_VERSION"),
        pcrs: (0..)
            .map(|index: u32| index.to_string())
            .zip(pcrs.map(ToString::to_string))
            .collect(),
        eif: FileDescription {
            sha256: crate::files::sha256(&path)?,
            size: built.size,
        },
        image: ImageDescription {
            digest: canonical.digest(),
            image_id: canonical.image_id(),
        },
        sections: built.sections,
    };
    let mut json = serde_json::to_string_pretty(&description)?;
    json.push('\n');
    crate::files::write_atomically(&artifacts.file("json"), json.as_bytes())?;
    Ok(description)
}

/// The kernel's command line: the one line of `enclave/configs/cmdline`, without its line break.
fn command_line(workspace: &Workspace) -> Result<String> {
    let path = workspace.path("enclave/configs").join(image::CMDLINE);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    anyhow::ensure!(
        !line.is_empty() && !line.contains('\n'),
        "{} must be one line",
        path.display()
    );
    Ok(line.to_owned())
}

pub(crate) fn run_eif(workspace: &Workspace, arguments: &EifArgs) -> Result<()> {
    let description = build_from(workspace, &arguments.sources, arguments.output.as_deref())?;
    let artifacts = Artifacts::new(workspace, arguments.output.as_deref())?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&description)?);
    } else {
        print_table(&description, &artifacts);
    }
    if !arguments.check && arguments.against.is_none() {
        return Ok(());
    }
    let archive = arguments.sources.from.clone();
    let archive = archive.unwrap_or_else(|| artifacts.file("tar"));
    let built = record::of_files(workspace, &artifacts.directory, &archive)?;
    let equal = if let Some(name) = &arguments.against {
        check::against_release(workspace, name, &built)?
    } else {
        check::against_next(workspace, &artifacts.file("eif"), &built)?;
        "measurements/next.json and next.sha256".to_owned()
    };
    if !arguments.json {
        println!("equal to {equal}");
    }
    Ok(())
}

fn print_table(description: &Description, artifacts: &Artifacts) {
    println!("{}", artifacts.file("eif").display());
    for (register, value) in &description.pcrs {
        println!("PCR{register}    {value}");
    }
    println!("SHA-256 {}", description.eif.sha256);
    println!("size    {} bytes", description.eif.size);
    for section in &description.sections {
        println!("        {:>10} {}", section.size, section.kind.name());
    }
    println!("image   {}", description.image.digest);
}

pub(crate) fn run_image(workspace: &Workspace, arguments: &ImageArgs) -> Result<()> {
    let path = if let Some(directory) = &arguments.context {
        write_context(workspace, directory)?;
        directory.clone()
    } else {
        let server = hermetic::build(workspace, SERVER)?;
        write_image(workspace, &server, &Artifacts::new(workspace, None)?)?
    };
    println!("{}", path.display());
    Ok(())
}

/// Builds the server and writes the build context of `enclave/Dockerfile`.
pub(crate) fn write_context(workspace: &Workspace, directory: &Path) -> Result<()> {
    let server = hermetic::build(workspace, SERVER)?;
    image::write_context(&image::tree(workspace, &server)?, directory)
}

pub(crate) fn run_measure(workspace: &Workspace, arguments: &MeasureArgs) -> Result<()> {
    if arguments.files {
        return measurements::run(workspace, arguments.write, arguments.require_history);
    }
    let description = build(workspace)?;
    let artifacts = Artifacts::new(workspace, None)?;
    print_table(&description, &artifacts);
    if arguments.write {
        measurements::write_next(workspace, &record::of(workspace, &artifacts.directory)?)?;
        manifest::write_next(workspace, &artifacts.file("eif"))?;
        sum::write_next(workspace, &artifacts.file("eif"))?;
        println!(
            "written: next.json, next.manifest.json, next.sha256 and tcb-info.json of measurements/"
        );
    }
    Ok(())
}
