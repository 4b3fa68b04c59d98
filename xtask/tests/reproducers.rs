//! The recipes of prebuilt packages as an attacker would steer them.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Variables that make tools, and in one case the recipe itself, do something else.
const STEERING: &[(&str, &str)] = &[
    ("TAR_OPTIONS", "--to-command=evil"),
    ("XZ_OPT", "--evil"),
    ("XZ_DEFAULTS", "--evil"),
    ("GZIP", "--evil"),
    ("ZSTD_CLEVEL", "19"),
    ("ENV", "evil"),
    ("BASH_ENV", "evil"),
    ("CDPATH", "/evil"),
    ("MAKEFLAGS", "CC=evil"),
    ("KBUILD_BUILD_USER", "evil"),
    ("KERNEL_BUILD_UNSHARED", "1"),
    ("REPRODUCER_CLEAN", "1"),
];

/// Each tool of a recipe writes down its environment, and fails.
#[test]
fn an_environment_does_not_steer_a_recipe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for recipe in ["kernel/build.sh", "fonts/extract.sh"] {
        let folder = tempfile::tempdir().unwrap();
        let (tools, packages) = (folder.path().join("tools"), folder.path().join("packages"));
        let out = folder.path().join("out");
        for path in [&tools, &packages, &out] {
            fs::create_dir(path).unwrap();
        }
        fs::write(packages.join("x.deb"), "").unwrap();
        let log = folder.path().join("environment");
        for tool in ["ar", "tar", "xz", "unshare", "chroot", "gzip", "install"] {
            let path = tools.join(tool);
            let text = format!("#!/bin/sh\nenv >> '{}'\nexit 1\n", log.display());
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
        let status = Command::new(root.join("reproducers").join(recipe))
            .arg(&packages)
            .arg(&out)
            .env("PATH", &path)
            .envs(STEERING.iter().copied())
            .output()
            .unwrap()
            .status;
        assert!(!status.success(), "{recipe} went on without its tools");
        let environment = fs::read_to_string(&log).unwrap();
        assert!(
            environment.contains(&format!("PATH={path}")),
            "{recipe}: {environment}"
        );
        for (name, _) in STEERING {
            let given = environment
                .lines()
                .any(|line| line.starts_with(&format!("{name}=")));
            assert!(!given, "{recipe}: {name} reached a tool");
        }
    }
}
