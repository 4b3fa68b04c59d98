//! Kernel and init by default, AWS's init, ramdisks beside an image, and nitro-cli's command line.

#![cfg(test)]

mod support;

use eif::{Manifest, Pcr, Pcrs, Silent};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use support::archive::{app, docker_archive};
use support::bench::{Bench, eif, good, run};
use support::{Parts, input};

const AWS_TEXT: &[u8] = b"Could not open /env file";
const OUR_TEXT: &[u8] = b"process.capabilities must be empty: programs in the enclave get none";

/// A directory as nitro-cli's package has it, with an init that holds a text.
fn blobs(bench: &Bench, name: &str, text: &[u8]) -> PathBuf {
    let folder = bench.path(name);
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(input("bzImage"), folder.join("bzImage")).unwrap();
    std::fs::write(folder.join("cmdline"), "console=ttyS0\n").unwrap();
    let init = [letsesign_tests::elf::program(b"\xf4"), text.to_vec()].concat();
    std::fs::write(folder.join("init"), init).unwrap();
    folder
}

/// A module's ELF header says that it is relocatable.
fn module(folder: &Path) {
    let mut module = letsesign_tests::elf::program(b"");
    module[0x10] = 1;
    std::fs::write(folder.join("nsm.ko"), module).unwrap();
}

fn build(bench: &Bench, image: &Path, more: &[&str]) -> Command {
    let mut command = eif();
    command.arg("build").arg(image).args(more);
    command.arg("-o").arg(bench.output());
    // Nothing of this machine.
    command
        .env_remove("EIF_BLOBS")
        .env_remove("NITRO_CLI_BLOBS");
    command
}

/// Ramdisks of an image: each entry's path and contents, in order.
fn entries(file: &Path) -> Vec<Vec<(String, Vec<u8>)>> {
    let parts = Parts::of(&std::fs::read(file).unwrap());
    let ramdisks = parts.sections.iter().filter(|(head, _)| head.kind == 3);
    ramdisks.map(|(_, bytes)| newc(bytes)).collect()
}

/// newc by its definition: 110 bytes of ASCII, name and contents padded to 4.
fn newc(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let field = |index: usize| {
            let start = at + 6 + 8 * index;
            let digits = std::str::from_utf8(&bytes[start..start + 8]).unwrap();
            usize::from_str_radix(digits, 16).unwrap()
        };
        let (size, length) = (field(6), field(11));
        let name = &bytes[at + 110..at + 110 + length - 1];
        let name = String::from_utf8(name.to_vec()).unwrap();
        if name == "TRAILER!!!" {
            return found;
        }
        let start = (at + 110 + length).next_multiple_of(4);
        found.push((name, bytes[start..start + size].to_vec()));
        at = (start + size).next_multiple_of(4);
    }
}

#[test]
fn kernel_and_init_by_default() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    let ours = blobs(&bench, "ours", OUR_TEXT);
    let aws = blobs(&bench, "aws", AWS_TEXT);
    let explicit = eif()
        .args(["measure", "--json", "--cmdline", "console=ttyS0", "--init"])
        .arg(ours.join("init"))
        .arg("--kernel")
        .arg(input("bzImage"))
        .arg(&image)
        .output()
        .unwrap();
    let explicit: Value = serde_json::from_str(&good(&explicit)).unwrap();
    let pcrs = |command: &mut Command| {
        let output = command.arg("--json").output().unwrap();
        serde_json::from_str::<Value>(&good(&output)).unwrap()["Measurements"].clone()
    };
    let expected = &explicit["Measurements"];
    let option = ["--blobs", ours.to_str().unwrap()];
    // The option goes before the variables.
    let mut by_option = build(&bench, &image, &option);
    assert_eq!(&pcrs(by_option.env("EIF_BLOBS", &aws)), expected);
    let mut by_variable = build(&bench, &image, &[]);
    by_variable
        .env("EIF_BLOBS", &ours)
        .env("NITRO_CLI_BLOBS", &aws);
    assert_eq!(&pcrs(&mut by_variable), expected);

    // An installed program: its own share directory, then nitro-cli's.
    let prefix = bench.path("prefix");
    std::fs::create_dir_all(prefix.join("bin")).unwrap();
    std::fs::create_dir_all(prefix.join("share")).unwrap();
    let program = prefix.join("bin/eif");
    std::fs::copy(env!("CARGO_BIN_EXE_eif"), &program).unwrap();
    let installed = || {
        let mut command = Command::new(&program);
        command.env_remove("EIF_BLOBS").env("NITRO_CLI_BLOBS", &aws);
        command
            .arg("build")
            .arg(&image)
            .arg("-o")
            .arg(bench.output());
        command
    };
    let of_aws = pcrs(&mut installed());
    assert_ne!(&of_aws, expected);
    std::os::unix::fs::symlink(&ours, prefix.join("share/letsesign-enclave")).unwrap();
    assert_eq!(&pcrs(&mut installed()), expected);

    // Nothing anywhere: the error says where it looked and what to do.
    std::fs::remove_file(bench.output()).unwrap();
    std::fs::remove_file(prefix.join("share/letsesign-enclave")).unwrap();
    if !Path::new("/usr/share/nitro_enclaves/blobs").exists() {
        let mut nowhere = installed();
        nowhere.env("NITRO_CLI_BLOBS", bench.path("nothing"));
        let output = nowhere.output().unwrap();
        let share = prefix.join("share/letsesign-enclave");
        let share = share.canonicalize().unwrap_or(share);
        bench.fails(&output, &["nothing", "--blobs", share.to_str().unwrap()]);
    }
    std::fs::remove_file(ours.join("cmdline")).unwrap();
    let output = build(&bench, &image, &option).output().unwrap();
    bench.fails(&output, &["ours/cmdline", "x86_64"]);
}

#[test]
fn aws_init_gets_its_own_files() {
    let bench = Bench::new();
    let image = bench.archive(vec![app().dir("run")]);
    let aws = blobs(&bench, "aws", AWS_TEXT);
    let option = ["--blobs", aws.to_str().unwrap()];
    let output = build(&bench, &image, &option).output().unwrap();
    good(&output);
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("user 7:8 is left out"), "{notes}");
    assert!(notes.contains("nitro-cli would run Cmd alone"), "{notes}");
    let ramdisks = entries(&bench.output());
    let names = |ramdisk: &[(String, Vec<u8>)]| {
        let names: Vec<_> = ramdisk.iter().map(|(name, _)| name.clone()).collect();
        names.join(" ")
    };
    assert_eq!(names(&ramdisks[0]), "init dev dev/console");
    assert_eq!(
        names(&ramdisks[1]),
        "cmd env rootfs rootfs/dev rootfs/proc rootfs/sys rootfs/tmp rootfs/var rootfs/bin \
         rootfs/bin/app rootfs/run"
    );
    assert_eq!(ramdisks[1][0].1, b"/bin/app\n--flag\n");
    assert_eq!(ramdisks[1][1].1, b"PATH=/bin\n");
    assert!(good(&run(&["verify"], &[&bench.output()])).ends_with("valid\n"));

    module(&aws);
    good(&build(&bench, &image, &option).output().unwrap());
    let ramdisks = entries(&bench.output());
    assert_eq!(names(&ramdisks[0]), "init dev dev/console nsm.ko");
    assert_eq!(ramdisks[0][3].1, std::fs::read(aws.join("nsm.ko")).unwrap());
    let manifest = Manifest::of(&bench.output(), Arc::new(Silent));
    assert!(manifest.is_ok(), "the reader agrees");

    let plain = r#"{"Entrypoint":["/bin/app"],"User":"root","WorkingDir":"/"}"#;
    let image = docker_archive(bench.folder.path(), vec![app()], plain);
    let quiet = build(&bench, &image, &option).output().unwrap();
    good(&quiet);
    assert!(quiet.stderr.is_empty(), "{quiet:?}");

    // By itself, the module stays away from our init.
    std::fs::remove_file(bench.output()).unwrap();
    let module = aws.join("nsm.ko");
    let more = ["--nsm-module", module.to_str().unwrap()];
    bench.fails(&bench.build(&image, &more), &["--init-config aws"]);
    let more = ["--init-config", "aws", "--nsm-module", "/dev/null"];
    bench.fails(
        &bench.build(&image, &more),
        &["/dev/null is not a kernel module"],
    );
    // Asked for, and not to be had.
    let more = ["--init-config", "aws", "--user", "7:8"];
    bench.fails(&bench.build(&image, &more), &["as root, not as 7:8"]);
    let more = ["--init-config", "aws", "--workdir", "/bin"];
    bench.fails(&bench.build(&image, &more), &["not in /bin"]);
    let more = ["--init-config", "aws", "--env", "A=b\nLD_PRELOAD=/evil"];
    bench.fails(&bench.build(&image, &more), &["line break"]);
}

/// Such an enclave would start a shell that is not there, or nothing.
#[test]
fn an_init_that_reads_something_else_is_refused() {
    let bench = Bench::new();
    let plain = r#"{"Entrypoint":["/bin/app"]}"#;
    let image = docker_archive(bench.folder.path(), vec![app()], plain);
    let init = bench.path("init");
    let program = std::fs::read(&init).unwrap();
    std::fs::write(&init, [&program, AWS_TEXT].concat()).unwrap();
    bench.fails(
        &bench.build(&image, &[]),
        &["AWS's init", "--init-config aws"],
    );
    good(&bench.build(&image, &["--init-config", "aws"]));
    std::fs::write(&init, [&program, OUR_TEXT].concat()).unwrap();
    good(&bench.build(&image, &[]));
    std::fs::remove_file(bench.output()).unwrap();
    let refused = bench.build(&image, &["--init-config", "aws"]);
    bench.fails(&refused, &["reads config.json, not /cmd and /env"]);
    let output = bench.build(&image, &["--init-config", "other"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn ramdisks_beside_an_image_follow_in_order() {
    let bench = Bench::new();
    let image = bench.archive(vec![app()]);
    good(&bench.build(&image, &[]));
    let plain = Parts::of(&std::fs::read(bench.output()).unwrap());
    let (one, two) = (input("ramdisk2"), input("ramdisk1"));
    let more = [
        "--json",
        "--ramdisk",
        one.to_str().unwrap(),
        "--ramdisk",
        two.to_str().unwrap(),
    ];
    let built: Value = serde_json::from_str(&good(&bench.build(&image, &more))).unwrap();
    let beside = Parts::of(&std::fs::read(bench.output()).unwrap());
    let contents = |parts: &Parts, kind: u16| {
        let of_kind = parts.sections.iter().filter(|(head, _)| head.kind == kind);
        of_kind.map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>()
    };
    let ramdisks = contents(&beside, 3);
    assert_eq!(ramdisks[..2], contents(&plain, 3));
    assert_eq!(ramdisks[2], std::fs::read(&one).unwrap());
    assert_eq!(ramdisks[3], std::fs::read(&two).unwrap());
    assert_eq!(ramdisks.len(), 4);
    // Measured as the format says.
    let start = [contents(&beside, 1).concat(), contents(&beside, 2).concat()].concat();
    let pcrs: Pcrs = serde_json::from_value(built["Measurements"].clone()).unwrap();
    assert_eq!(
        pcrs.pcr0,
        Pcr::of(&[start.clone(), ramdisks.concat()].concat())
    );
    assert_eq!(pcrs.pcr1, Pcr::of(&[start, ramdisks[0].clone()].concat()));
    assert_eq!(pcrs.pcr2, Pcr::of(&ramdisks[1..].concat()));
    good(&run(&["verify"], &[&bench.output()]));

    // Options that shape ramdisks are refused where there are only finished ones.
    std::fs::remove_file(bench.output()).unwrap();
    for more in [
        &["--compress", "gzip"][..],
        &["--env", "A=b"],
        &["--init-config", "aws"],
        &["--", "/bin/app"],
    ] {
        let mut command = bench.build_command();
        command.arg("--ramdisk").arg(&one).args(more);
        bench.fails(&command.output().unwrap(), &["kept as they are"]);
    }
}

/// Answers as Docker's daemon does, with one image.
fn daemon(folder: &Path, name: &'static str, archive: Vec<u8>) -> String {
    let socket = folder.join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let path = request.split(' ').nth(1).unwrap();
            let asked = path.contains(&format!("/images/{name}/"));
            let (status, body) = if path.ends_with("/version") {
                let version = br#"{"ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;
                ("200 OK", version.to_vec())
            } else if asked && path.ends_with("/json") {
                ("200 OK", b"{}".to_vec())
            } else if asked && path.ends_with("/get") {
                ("200 OK", archive.clone())
            } else {
                ("404 Not Found", br#"{"message":"No such image"}"#.to_vec())
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: \
                 {length}\r\nConnection: close\r\n\r\n"
            );
            stream
                .write_all(&[head.into_bytes(), body].concat())
                .unwrap();
        }
    });
    format!("unix://{}", socket.display())
}

fn build_enclave(bench: &Bench, blobs: &Path, uri: &str, more: &[&str]) -> Command {
    let mut command = eif();
    command
        .args(["build-enclave", "--docker-uri", uri])
        .args(more);
    command.arg("--output-file").arg(bench.output());
    command.env("EIF_BLOBS", blobs).env_remove("DOCKER_HOST");
    command
}

/// A script that runs nitro-cli reads this.
#[track_caller]
fn answer(output: &Output) -> Value {
    let text = good(output);
    let progress = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(progress.starts_with("Start building the Enclave Image...\n"));
    assert!(progress.ends_with("Enclave Image successfully created.\n"));
    let start =
        "{\n  \"Measurements\": {\n    \"HashAlgorithm\": \"Sha384 { ... }\",\n    \"PCR0\": ";
    assert!(text.starts_with(start), "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn nitro_clis_command_line() {
    let bench = Bench::new();
    let archive = std::fs::read(bench.archive(vec![app()])).unwrap();
    let ours = blobs(&bench, "ours", OUR_TEXT);
    let host = daemon(bench.folder.path(), "app:1.2", archive);
    let by_name = |uri: &str, more: &[&str]| {
        let mut command = build_enclave(&bench, &ours, uri, more);
        command.env("DOCKER_HOST", &host).output().unwrap()
    };
    let first = answer(&by_name("app:1.2", &[]));
    let described = || -> Value {
        serde_json::from_str(&good(&run(&["describe", "--json"], &[&bench.output()]))).unwrap()
    };
    let value = described();
    assert_eq!(value["ImageName"], "app");
    assert_eq!(value["ImageVersion"], "1.2");
    assert_eq!(value["Measurements"], first["Measurements"]);

    // `eif build app:1.2` needs no other option, and gives the same enclave.
    let mut plain = build(&bench, Path::new("app:1.2"), &["--json"]);
    plain.env("DOCKER_HOST", &host).env("EIF_BLOBS", &ours);
    let plain: Value = serde_json::from_str(&good(&plain.output().unwrap())).unwrap();
    assert_eq!(plain["Measurements"], first["Measurements"]);

    let custom = bench.path("custom.json");
    std::fs::write(&custom, r#"{"AppVersion":"3.2"}"#).unwrap();
    let (key, certificate) = (input("p256.pem"), input("p256-cert.pem"));
    let more = [
        "--private-key",
        key.to_str().unwrap(),
        "--signing-certificate",
        certificate.to_str().unwrap(),
        "--name",
        "mine",
        "--version",
        "7",
        "--metadata",
        custom.to_str().unwrap(),
    ];
    let signed = answer(&by_name("app:1.2", &more));
    assert_eq!(signed["Measurements"]["PCR8"].as_str().unwrap().len(), 96);
    assert_eq!(
        signed["Measurements"]["PCR0"],
        first["Measurements"]["PCR0"]
    );
    let value = described();
    assert_eq!(
        (&value["ImageName"], &value["ImageVersion"]),
        (&"mine".into(), &"7".into())
    );
    assert_eq!(value["Metadata"]["CustomMetadata"]["AppVersion"], "3.2");
    assert_eq!(value["SignatureCheck"], true);

    // AWS's blobs decide for AWS's init by themselves.
    let aws = blobs(&bench, "aws", AWS_TEXT);
    module(&aws);
    let mut of_aws = build_enclave(&bench, &aws, "app:1.2", &[]);
    answer(&of_aws.env("DOCKER_HOST", &host).output().unwrap());
    assert_eq!(entries(&bench.output())[1][0].0, "cmd");

    std::fs::remove_file(bench.output()).unwrap();
    let fails = |output: Output, text: &str| {
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(text), "{error}");
        assert!(output.stdout.is_empty());
        bench.nothing_left();
    };
    fails(by_name("other", &[]), "docker pull other:latest");
    let arn = "arn:aws:kms:us-east-1:123456789012:key/1";
    let more = ["--private-key", arn, "--signing-certificate", "cert.pem"];
    fails(by_name("app:1.2", &more), "eif sign --attach");
    std::fs::write(&custom, "{").unwrap();
    let more = ["--metadata", custom.to_str().unwrap()];
    fails(by_name("app:1.2", &more), "custom.json is not JSON");
    let mut alone = build_enclave(&bench, &ours, "app:1.2", &[]);
    let missing = format!("unix://{}", bench.path("nothing.sock").display());
    alone.env("DOCKER_HOST", missing);
    fails(alone.output().unwrap(), "no such socket");
}

/// A docker-archive in a file does as well, and `--docker-dir` runs docker first.
#[test]
fn docker_builds_the_directory_first() {
    let bench = Bench::new();
    let image = docker_archive(bench.folder.path(), vec![app()], support::archive::CONFIG);
    let ours = blobs(&bench, "ours", OUR_TEXT);
    let (tools, context) = (bench.path("tools"), bench.path("context"));
    std::fs::create_dir(&tools).unwrap();
    std::fs::create_dir(&context).unwrap();
    let docker = tools.join("docker");
    let write = |script: &str| {
        std::fs::write(&docker, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&docker, mode).unwrap();
    };
    let built = |more: &[&str]| {
        let mut command = build_enclave(&bench, &ours, image.to_str().unwrap(), more);
        command.env("PATH", &tools).output().unwrap()
    };
    let plain = built(&[]);
    assert!(answer(&plain)["Measurements"]["PCR2"].is_string());
    let more = ["--docker-dir", context.to_str().unwrap()];
    write("#!/bin/sh\necho \"docker says: $*\"\n");
    let output = built(&more);
    assert_eq!(answer(&output), answer(&plain));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("docker says: build --tag {} -- ", image.display());
    assert!(said.contains(&expected), "{said}");

    std::fs::remove_file(bench.output()).unwrap();
    write("#!/bin/sh\nexit 3\n");
    let error = String::from_utf8(built(&more).stderr).unwrap();
    assert!(error.contains("docker build of") && error.contains("exit status: 3"));
    std::fs::remove_file(&docker).unwrap();
    let error = String::from_utf8(built(&more).stderr).unwrap();
    assert!(error.contains("needs the program docker"), "{error}");
    bench.nothing_left();
}

/// nitro-cli's options, one by one.
#[test]
fn nitro_clis_options_are_there() {
    let help = good(&run(&["build-enclave", "--help"], &[]));
    for option in [
        "--docker-uri",
        "--docker-dir",
        "--output-file",
        "--signing-certificate",
        "--private-key",
        "--name",
        "--version",
        "--metadata",
        "--insecure",
    ] {
        assert!(help.contains(option), "{option}");
    }
    assert!(help.contains("Examples:"));
    for arguments in [
        &["build-enclave", "--docker-uri", "app"][..],
        &["build-enclave", "--output-file", "x"],
        &[
            "build-enclave",
            "--docker-uri",
            "a",
            "--output-file",
            "x",
            "--private-key",
            "k",
        ],
    ] {
        assert_eq!(run(arguments, &[]).status.code(), Some(2));
    }
}
