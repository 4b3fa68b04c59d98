//! Input of AWS's own init: the files `/cmd` and `/env` of the second ramdisk.
//!
//! Facts, from `aws-nitro-enclaves-sdk-bootstrap` (`init/init.c`) and nitro-cli (`enclave_build`):
//!
//! * Each file holds one word on a line; init reads them with `getline` and removes them.
//! * The program is looked for in [`PATH`], whatever `PATH` the program itself gets.
//! * It runs as root in `/`: there is nothing to say a user or a folder with.
//! * Init mounts over [`FOLDERS`] of the root file system, which must be there; nitro-cli adds them
//!   with mode 0755.
//! * `nsm.ko` in the first ramdisk is loaded where it is there: AWS's kernels need the module.

use crate::bundle::Process;
use crate::error::{Error, Result};
use crate::lookup;
use canoni::Tree;

/// Where AWS's init looks for a program without a slash.
const PATH: &str = "PATH=/sbin:/usr/sbin:/bin:/usr/bin";

/// Folders of the root file system that AWS's init or nitro-cli needs.
const FOLDERS: [&str; 6] = ["dev", "proc", "run", "sys", "tmp", "var"];

/// The two files, and what the root file system lacks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AwsConfig {
    /// The program and its arguments, one a line.
    pub(crate) cmd: Vec<u8>,
    /// `NAME=value`, one a line.
    pub(crate) env: Vec<u8>,
    /// Those of [`FOLDERS`] that are to be added.
    pub(crate) folders: Vec<&'static str>,
}

impl AwsConfig {
    /// Checks that AWS's init can run a process as it is meant to run.
    pub(crate) fn new(process: &Process, tree: &Tree) -> Result<Self> {
        let args = process.args()?;
        let program = args.first().copied().unwrap_or_default();
        process.check_env()?;
        for text in args
            .iter()
            .copied()
            .chain(process.env.iter().map(String::as_str))
        {
            if text.contains('\n') {
                return Err(Error::Config(format!(
                    "{text:?} contains a line break, which AWS's init takes for the end of the \
                     word; use our init (--init-config oci), or set it in a script of the image"
                )));
            }
        }
        let cwd = process.working_dir.as_deref().unwrap_or_default();
        if !matches!(cwd, "" | "/") {
            return Err(Error::Config(format!(
                "AWS's init starts programs in /, not in {cwd}; use our init (--init-config oci)"
            )));
        }
        let user = lookup::user(tree, process.user.as_deref().unwrap_or_default())?;
        if user.uid != 0 || user.gid != 0 || !user.additional_gids.is_empty() {
            return Err(Error::Config(format!(
                "AWS's init runs programs as root, not as {}; use our init (--init-config oci)",
                process.user.as_deref().unwrap_or_default()
            )));
        }
        // AWS's init looks for the program in its own PATH; the image's PATH reaches the program
        // alone.
        lookup::check_program(tree, program, "/", &[PATH.to_owned()]).map_err(Error::Config)?;
        let mut folders = Vec::new();
        for folder in FOLDERS {
            if lookup::is_directory(tree, folder) {
                continue;
            }
            if tree.find(folder.as_bytes()).is_some() {
                return Err(Error::Config(format!(
                    "/{folder} of the image is not a directory, but AWS's init needs it"
                )));
            }
            folders.push(folder);
        }
        let lines = |words: &[&str]| {
            let lines: String = words.iter().flat_map(|word| [word, "\n"]).collect();
            lines.into_bytes()
        };
        let env: Vec<&str> = process.env.iter().map(String::as_str).collect();
        Ok(AwsConfig {
            cmd: lines(&args),
            env: lines(&env),
            folders,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canoni::{Metadata, TreeBuilder};

    fn tree(more: impl FnOnce(&mut TreeBuilder)) -> Tree {
        let mut tree = TreeBuilder::new();
        for path in ["bin/app", "opt/other"] {
            let contents = b"program".to_vec().into();
            tree.file(path, Metadata::root(0o755), contents).unwrap();
        }
        tree.dir("tmp", Metadata::root(0o1777)).unwrap();
        more(&mut tree);
        tree.build().unwrap()
    }

    fn process() -> Process {
        Process {
            entrypoint: vec!["/bin/app".into()],
            cmd: vec!["--say".into(), String::new(), "two words".into()],
            env: vec!["PATH=/opt".into(), "EMPTY=".into()],
            ..Process::default()
        }
    }

    /// As nitro-cli's `write_config` writes them, and as init's `getline` reads them back.
    #[test]
    fn one_word_a_line() {
        let config = AwsConfig::new(&process(), &tree(|_| {})).unwrap();
        assert_eq!(config.cmd, b"/bin/app\n--say\n\ntwo words\n");
        assert_eq!(config.env, b"PATH=/opt\nEMPTY=\n");
        assert_eq!(config.folders, ["dev", "proc", "run", "sys", "var"]);
    }

    /// As init reads a file: `getline` until the end, each line without its line feed.
    fn read_back(bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let lines = text.split_inclusive('\n');
        lines
            .map(|line| line.strip_suffix('\n').unwrap_or(line).to_owned())
            .collect()
    }

    proptest::proptest! {
        /// Init reads the words that were meant, or the build refuses them.
        #[test]
        fn words_come_back(
            args in proptest::collection::vec("[^\0]{0,8}", 0..5),
            values in proptest::collection::vec("[^\0]{0,8}", 0..5),
        ) {
            let process = Process {
                entrypoint: vec!["/bin/app".to_owned()],
                cmd: args.clone(),
                env: values.iter().map(|value| format!("A={value}")).collect(),
                ..Process::default()
            };
            let broken = args.iter().chain(&values).any(|word| word.contains('\n'));
            match AwsConfig::new(&process, &tree(|_| {})) {
                Ok(config) => {
                    assert!(!broken);
                    assert_eq!(read_back(&config.cmd)[0], "/bin/app");
                    assert_eq!(read_back(&config.cmd)[1..], args);
                    assert_eq!(read_back(&config.env), process.env);
                }
                Err(_) => assert!(broken),
            }
        }
    }

    #[test]
    fn what_the_init_could_not_do_is_refused() {
        let error = |change: fn(&mut Process)| {
            let mut process = process();
            change(&mut process);
            AwsConfig::new(&process, &tree(|_| {}))
                .unwrap_err()
                .to_string()
        };
        assert!(error(|p| p.cmd = vec!["a\nb".into()]).contains("line break"));
        assert!(error(|p| p.env = vec!["A=a\nB=b".into()]).contains("line break"));
        assert!(error(|p| p.env = vec!["A=a\0".into()]).contains("NUL"));
        assert!(error(|p| p.env = vec!["A".into()]).contains("NAME=value"));
        assert!(error(|p| p.user = Some("7:8".into())).contains("as root, not as 7:8"));
        assert!(error(|p| p.working_dir = Some("/opt".into())).contains("not in /opt"));
        // Its own PATH decides, not the program's.
        assert!(error(|p| p.entrypoint = vec!["other".into()]).contains("/usr/bin"));
        let empty = AwsConfig::new(&Process::default(), &tree(|_| {}));
        assert!(empty.unwrap_err().to_string().contains("nothing to run"));

        let file = tree(|tree| {
            let contents = b"x".to_vec().into();
            tree.file("run", Metadata::root(0o644), contents).unwrap();
        });
        let error = AwsConfig::new(&process(), &file).unwrap_err().to_string();
        assert!(
            error.contains("/run of the image is not a directory"),
            "{error}"
        );
        let link = tree(|tree| {
            tree.symlink("run", "tmp").unwrap();
        });
        let config = AwsConfig::new(&process(), &link).unwrap();
        assert_eq!(config.folders, ["dev", "proc", "sys", "var"]);
    }
}
