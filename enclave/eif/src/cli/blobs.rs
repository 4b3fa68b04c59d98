//! Kernel, init and command line where none are given: ours, or AWS's where those are installed.

use super::values::arch;
use anyhow::{Context, Result, bail};
use clap::Args;
use eif::InitConfig;
use eif::format::Arch;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where nitro-cli's package puts them.
const NITRO_CLI: &str = "/usr/share/nitro_enclaves/blobs";

/// Options for the parts of an enclave other than the application.
#[derive(Debug, Args)]
pub(super) struct PartArgs {
    /// Kernel: a bzImage (x86_64) or Image (aarch64) [default: see --blobs]
    #[arg(short, long, value_name = "FILE")]
    pub(super) kernel: Option<PathBuf>,
    /// Kernel command line, or @FILE to read it from a file [default: see --blobs]
    #[arg(short, long, value_name = "TEXT|@FILE")]
    pub(super) cmdline: Option<String>,
    /// Static program that becomes PID 1 [default: see --blobs]
    #[arg(short, long, value_name = "FILE")]
    pub(super) init: Option<PathBuf>,
    /// Directory with bzImage or Image, init and cmdline, and nsm.ko for AWS's init [default:
    /// $EIF_BLOBS, ../share/letsesign-enclave beside this program, the checkout that it was built
    /// in, $NITRO_CLI_BLOBS, /usr/share/nitro_enclaves/blobs]
    #[arg(long, value_name = "DIR")]
    pub(super) blobs: Option<PathBuf>,
    /// Form of init's instructions: oci (config.json, our init) or aws (cmd and env, AWS's init)
    /// [default: oci, or what the init found by --blobs reads]
    #[arg(long, value_name = "FORM")]
    pub(super) init_config: Option<InitConfig>,
    /// Kernel module nsm.ko for AWS's init [default: that of --blobs, where its init is AWS's]
    #[arg(long, value_name = "FILE")]
    pub(super) nsm_module: Option<PathBuf>,
    /// Architecture of the enclave: x86_64 or aarch64
    #[arg(long, default_value = "x86_64", value_parser = arch)]
    pub(super) arch: Arch,
}

/// The parts of an enclave other than the application.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) kernel: PathBuf,
    /// The text.
    pub(super) cmdline: String,
    pub(super) init: PathBuf,
    pub(super) config: InitConfig,
    /// `nsm.ko`, for AWS's init.
    pub(super) module: Option<PathBuf>,
}

/// A directory of defaults, or a checkout of the repository.
#[derive(Debug)]
struct Blobs {
    folder: PathBuf,
    kernel: PathBuf,
    init: PathBuf,
    cmdline: PathBuf,
    module: PathBuf,
}

impl Blobs {
    /// As nitro-cli names them: `bzImage` or `Image`, `init`, `cmdline`, `nsm.ko`.
    fn directory(folder: &Path, arch: Arch) -> Self {
        let kernel = match arch {
            Arch::X86_64 => "bzImage",
            Arch::Aarch64 => "Image",
        };
        Blobs {
            kernel: folder.join(kernel),
            init: folder.join("init"),
            cmdline: folder.join("cmdline"),
            module: folder.join("nsm.ko"),
            folder: folder.to_owned(),
        }
    }

    fn repository(folder: &Path) -> Self {
        Blobs {
            kernel: folder.join("enclave/packages/kernel/bzImage"),
            init: folder.join("target/enclave/bin/letsesign-init"),
            cmdline: folder.join("enclave/configs/cmdline"),
            module: folder.join("enclave/packages/kernel/nsm.ko"),
            folder: folder.to_owned(),
        }
    }

    fn is_whole(&self) -> bool {
        [&self.kernel, &self.init, &self.cmdline]
            .iter()
            .all(|path| path.is_file())
    }
}

/// Looks in `--blobs`, `$EIF_BLOBS`, beside the program (`../share/letsesign-enclave`), in the
/// checkout that the program was built in, in `$NITRO_CLI_BLOBS` and where nitro-cli's package has
/// them. The user names the first two, so an incomplete one is an error.
fn find(given: Option<&Path>, arch: Arch) -> Result<Blobs> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let variable = |name| variable(name).map(PathBuf::from);
    let meant = given.map(Path::to_owned).or_else(|| variable("EIF_BLOBS"));
    if let Some(folder) = meant {
        // Another folder would silently give an image with another kernel or init.
        let blobs = Blobs::directory(&folder, arch);
        for path in [&blobs.kernel, &blobs.init, &blobs.cmdline] {
            if !path.is_file() {
                bail!(
                    "{} is missing; give a directory with a kernel for {arch}, init and cmdline",
                    path.display()
                );
            }
        }
        return Ok(blobs);
    }
    let program = env::current_exe().and_then(|path| path.canonicalize());
    let program = program.unwrap_or_default();
    let mut places = Vec::new();
    if let Some(root) = program.ancestors().nth(2) {
        places.push(Blobs::directory(
            &root.join("share/letsesign-enclave"),
            arch,
        ));
    }
    if arch == Arch::X86_64 {
        let folders = program.ancestors().skip(2).take(3);
        places.extend(folders.map(Blobs::repository));
    }
    let nitro_cli = variable("NITRO_CLI_BLOBS").unwrap_or_else(|| NITRO_CLI.into());
    places.push(Blobs::directory(&nitro_cli, arch));
    let looked: Vec<_> = places
        .iter()
        .map(|blobs| blobs.folder.display().to_string())
        .collect();
    places.into_iter().find(Blobs::is_whole).with_context(|| {
        format!(
            "found no kernel, init and cmdline for {arch} in {}; give --kernel, --init and \
             --cmdline, or their directory with --blobs or EIF_BLOBS",
            looked.join(", ")
        )
    })
}

/// The parts that are given, and the others from one place.
pub(super) fn parts(args: &PartArgs, needs_init: bool) -> Result<Parts> {
    let missing =
        args.kernel.is_none() || args.cmdline.is_none() || (needs_init && args.init.is_none());
    let found = if missing || args.blobs.is_some() {
        Some(find(args.blobs.as_deref(), args.arch)?)
    } else {
        None
    };
    let part = |given: &Option<PathBuf>, default: fn(&Blobs) -> &PathBuf| {
        given
            .clone()
            .or_else(|| found.as_ref().map(default).cloned())
    };
    let cmdline = match (&args.cmdline, &found) {
        (Some(text), _) => text.clone(),
        (None, Some(found)) => format!("@{}", found.cmdline.display()),
        (None, None) => String::new(),
    };
    let init = part(&args.init, |blobs| &blobs.init).unwrap_or_default();
    // An init that was given is taken for ours unless the user says otherwise: a mistake is an
    // error, not guessed around. One that was found decides by itself.
    let config = match (args.init_config, &args.init) {
        (Some(config), _) => config,
        (None, None) if needs_init => reads(&init)?,
        (None, _) => InitConfig::Oci,
    };
    let module = match (&args.nsm_module, &args.init, &found) {
        (Some(module), ..) => Some(module.clone()),
        (None, None, Some(found)) if config == InitConfig::Aws && found.module.is_file() => {
            Some(found.module.clone())
        }
        _ => None,
    };
    if args.nsm_module.is_some() && config != InitConfig::Aws {
        bail!("--nsm-module is for AWS's init; our kernel has the driver: add --init-config aws");
    }
    Ok(Parts {
        kernel: part(&args.kernel, |blobs| &blobs.kernel).unwrap_or_default(),
        cmdline: text(&cmdline)?,
        init,
        config,
        module,
    })
}

fn reads(init: &Path) -> Result<InitConfig> {
    let name = init.display();
    let file = File::open(init).with_context(|| format!("cannot open {name}"))?;
    let config = eif::init_reads(&file).map_err(|reason| anyhow::anyhow!("{name} {reason}"))?;
    Ok(config.unwrap_or_default())
}

/// A command line, or `@FILE` with one.
fn text(text: &str) -> Result<String> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(text.to_owned());
    };
    let path = PathBuf::from(path);
    if std::fs::metadata(&path).map_or(0, |metadata| metadata.len()) > 1 << 20 {
        bail!("{} is too large for a kernel command line", path.display());
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read the cmdline from {}", path.display()))?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}
