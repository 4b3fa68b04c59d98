//! `cargo xtask reproduce`: makes the prebuilt packages again and compares bytes.

mod compare;
pub(crate) mod script;

use self::compare::compare;
use self::script::{run_logged, spinner};
use crate::packages::List;
use crate::packages::cache_folder;
use crate::packages::hash::hash_file;
use crate::packages::pins::Pins;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  cargo xtask reproduce                          everything; the kernel takes minutes\n  \
                  cargo xtask reproduce kernel --jobs 8\n  cargo xtask reproduce fonts --packages /media/debs   without a network\n  \
                  cargo xtask reproduce kernel --update          after a change of the fragment"
)]
pub(crate) struct ReproduceArgs {
    /// Recipes to run [default: all]
    #[arg(value_enum)]
    recipes: Vec<Recipe>,
    /// Take the pinned Debian packages from this folder instead of downloading them
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
    /// Write what was made into enclave/packages instead of comparing
    #[arg(long)]
    update: bool,
    /// Pin the newest versions of the same Debian packages before
    #[arg(long, conflicts_with = "packages")]
    renew_pins: bool,
    /// Compiler processes [default: the number of CPUs]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Recipe {
    /// The kernel, compiled from Debian's source package with a pinned toolchain
    Kernel,
    /// The fonts, extracted from Debian's packages
    Fonts,
    /// The C runtime in enclave/base: Debian's packages as they are
    Base,
}

impl Recipe {
    fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Fonts => "fonts",
            Self::Base => "base",
        }
    }

    fn folder(self) -> String {
        format!("reproducers/{}", self.name())
    }

    /// The script that makes the files: PACKAGES OUT JOBS. `None` where the packages themselves are
    /// committed.
    fn script(self) -> Option<&'static str> {
        match self {
            Self::Kernel => Some("build.sh"),
            Self::Fonts => Some("extract.sh"),
            Self::Base => None,
        }
    }
}

pub(crate) fn run(workspace: &Workspace, arguments: &ReproduceArgs) -> Result<()> {
    let recipes = match arguments.recipes.as_slice() {
        [] => Recipe::value_variants(),
        chosen => chosen,
    };
    let mut differences = 0;
    for recipe in recipes {
        differences += reproduce(workspace, *recipe, arguments)?;
    }
    if differences > 0 {
        bail!("{differences} file(s) differ from what the repository holds");
    }
    Ok(())
}

/// The lists of packages that the recipes pin.
pub(crate) fn pin_lists(workspace: &Workspace) -> Vec<PathBuf> {
    Recipe::value_variants()
        .iter()
        .map(|recipe| workspace.path(&recipe.folder()).join("packages.json"))
        .collect()
}

/// Makes one recipe's files and compares or updates them; gives the number of files that differ.
fn reproduce(workspace: &Workspace, recipe: Recipe, arguments: &ReproduceArgs) -> Result<usize> {
    let folder = workspace.path(&recipe.folder());
    let cache = cache_folder()?;
    let downloads = cache.join("packages");
    fs::create_dir_all(&downloads)
        .with_context(|| format!("cannot create {}", downloads.display()))?;
    let list = folder.join("packages.json");
    let mut pins = Pins::load(&list)?;
    let bar = spinner(&format!("{}: packages", recipe.name()));
    if arguments.renew_pins {
        pins = pins.renew(&downloads, &cache)?;
        fs::write(&list, pins.to_json()?)
            .with_context(|| format!("cannot write {}", list.display()))?;
    }
    pins.obtain(&downloads, &cache, arguments.packages.as_deref())?;
    bar.finish_and_clear();

    let Some(script) = recipe.script() else {
        return compare_all(
            recipe,
            &pins
                .packages
                .iter()
                .map(|pin| pin.file.clone())
                .collect::<Vec<_>>(),
            &workspace.path("enclave/base"),
            &downloads,
        );
    };
    // The script takes every package in the folder, so it gets one with those and no others.
    let scratch = tempfile::tempdir().context("cannot create a temporary folder")?;
    let (given, out) = (scratch.path().join("packages"), scratch.path().join("out"));
    for path in [&given, &out] {
        fs::create_dir(path).with_context(|| format!("cannot create {}", path.display()))?;
    }
    for pin in &pins.packages {
        let (from, to) = (downloads.join(&pin.file), given.join(&pin.file));
        symlink(&from, &to).with_context(|| format!("cannot link {}", to.display()))?;
    }
    let jobs = arguments
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let mut command = Command::new(folder.join(script));
    command.arg(&given).arg(&out).arg(jobs.to_string());
    let log = workspace
        .target()?
        .join(format!("reproduce/{}.log", recipe.name()));
    run_logged(command, &format!("making {}", recipe.name()), &log)?;

    let packages = workspace.path("enclave/packages");
    let mut contents = List::load(&packages)?;
    let files: Vec<String> = contents
        .packages
        .iter()
        .filter(|package| package.reproducer == recipe.folder())
        .flat_map(|package| package.files.iter().map(|file| file.path.clone()))
        .collect();
    if files.is_empty() {
        bail!(
            "no package in packages.json has the reproducer {}",
            recipe.folder()
        );
    }
    if !arguments.update {
        return compare_all(recipe, &files, &packages, &out);
    }
    for file in &files {
        replace(&out.join(file), &packages.join(file))?;
    }
    contents.refresh(&packages, &recipe.folder(), &pins.packages)?;
    contents.save(&packages)?;
    println!(
        "{}: {} file(s) written to enclave/packages",
        recipe.name(),
        files.len()
    );
    Ok(0)
}

fn compare_all(recipe: Recipe, files: &[String], committed: &Path, made: &Path) -> Result<usize> {
    let mut count = 0;
    for file in files {
        let differences = compare(&committed.join(file), &made.join(file))?;
        if differences.is_empty() {
            let hashes = hash_file(&committed.join(file))?;
            println!(
                "{}: {file}: identical, {} bytes, sha256 {}",
                recipe.name(),
                hashes.size,
                hashes.sha256
            );
        } else {
            count += 1;
            println!(
                "{}: {file} DIFFERS:\n  {}",
                recipe.name(),
                differences.join("\n  ")
            );
        }
    }
    Ok(count)
}

fn replace(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let partial = to.with_extension("partial");
    fs::copy(from, &partial).with_context(|| format!("cannot copy {}", from.display()))?;
    fs::rename(&partial, to).with_context(|| format!("cannot replace {}", to.display()))
}
