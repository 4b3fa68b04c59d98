//! Against a test double of nitro-cli that prints what the real one prints (version 1.4).

use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// Keeps one enclave in the file `enclave`, logs its arguments, and fails as the files say.
const STAND_IN: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
if [ -e "fail-$1" ]; then cat "fail-$1" >&2; exit 39; fi
case "$1" in
run-enclave)
  if [ -e running ]; then echo two starts at once >&2; exit 1; fi
  touch running; sleep 0.1; rm running
  echo "Start allocating memory..." >&2
  cid=$(cat cid 2>/dev/null || echo "$9")
  echo "$cid" > enclave
  printf '{"EnclaveName":"letsesign-enclave","EnclaveID":"i-1-enc2","ProcessID":7,"EnclaveCID":%s,"NumberOfCPUs":2,"CPUIDs":[1,3],"MemoryMiB":1024}\n' "$cid" ;;
describe-enclaves)
  if [ -e enclave ]; then
    printf '[{"EnclaveName":"letsesign-enclave","EnclaveID":"i-1-enc2","ProcessID":7,"EnclaveCID":%s,"NumberOfCPUs":2,"CPUIDs":[1,3],"MemoryMiB":1024,"State":"%s","Flags":"%s","Measurements":{"HashAlgorithm":"Sha384 { ... }"}}]\n' \
      "$(cat enclave)" "$(cat state 2>/dev/null || echo RUNNING)" "$(cat flags 2>/dev/null || echo NONE)"
  else echo '[]'; fi ;;
terminate-enclave) rm -f enclave; echo '{"EnclaveName":"letsesign-enclave","EnclaveID":"i-1-enc2","Terminated":true}' ;;
esac
"#;

struct Bench {
    folder: TempDir,
    nitro: Nitro,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("nitro-cli");
        fs::write(&program, STAND_IN).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let nitro = Nitro::new(program);
        Self { folder, nitro }
    }

    fn set(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn runs(&self) -> bool {
        self.folder.path().join("enclave").exists()
    }

    fn spec(&self) -> Spec {
        Spec {
            image: "/images/a b.eif".into(),
            cid: 20,
            cpus: 2,
            memory_mib: 1024,
            start: StartId::new(),
            folder: self.folder.path().into(),
            addresses: BTreeMap::new(),
            job_api: 9001,
            services: BTreeMap::new(),
        }
    }
}

#[tokio::test]
async fn an_enclave_starts_runs_and_ends() {
    let bench = Bench::new();
    let handle = bench.nitro.launch(&bench.spec()).await.unwrap();
    assert_eq!(
        handle,
        Handle::Nitro {
            id: "i-1-enc2".into()
        }
    );
    assert_eq!(bench.nitro.state(&handle).await.unwrap(), State::Running);
    bench
        .nitro
        .terminate(&handle, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(bench.nitro.state(&handle).await.unwrap(), State::Ended);
    // Once more: it has ended, so this does not fail.
    bench.set("fail-terminate-enclave", "[ E45 ] no such enclave");
    bench
        .nitro
        .terminate(&handle, Duration::ZERO)
        .await
        .unwrap();
    let calls = bench.calls();
    assert_eq!(
        calls[0],
        "run-enclave --eif-path /images/a b.eif --cpu-count 2 --memory 1024 --enclave-cid 20"
    );
    assert!(
        calls
            .iter()
            .all(|call| !call.contains("debug") && !call.contains("console"))
    );
}

#[tokio::test]
async fn an_enclave_that_terminates_runs_no_more() {
    let bench = Bench::new();
    let handle = bench.nitro.launch(&bench.spec()).await.unwrap();
    bench.set("state", "TERMINATING");
    assert_eq!(bench.nitro.state(&handle).await.unwrap(), State::Ended);
}

#[tokio::test]
async fn errors_that_pass_are_told_from_those_that_stay() {
    let bench = Bench::new();
    for (text, passes) in [
        ("[ E29 ] Ioctl failure. Such error appears when...", true),
        (
            "Start allocating memory...\n[ E11 ] Socket\nFor more details",
            true,
        ),
        ("[ E36 ] Enclave boot failure.", true),
        ("[ E26 ] Insufficient memory requested.", false),
        ("no code at all", false),
        ("[ E2 ] [ EXX ] [E111]", false),
    ] {
        bench.set("fail-run-enclave", text);
        let error = bench.nitro.launch(&bench.spec()).await.unwrap_err();
        assert_eq!(matches!(error, LaunchError::Busy(_)), passes, "{error}");
        let first = text.split_whitespace().next().unwrap();
        assert!(error.to_string().contains(first), "{error}");
    }
    bench.set(
        "fail-run-enclave",
        &format!("[ E26 ]\x1b[2J{}", "x".repeat(5000)),
    );
    let error = bench
        .nitro
        .launch(&bench.spec())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.len() < 600 && !error.contains('\x1b'), "{error}");
}

#[tokio::test]
async fn an_enclave_in_debug_mode_or_with_another_cid_is_ended() {
    for (file, value, word) in [("flags", "DEBUG_MODE", "debug"), ("cid", "21", "CID 21")] {
        let bench = Bench::new();
        bench.set(file, value);
        let error = bench.nitro.launch(&bench.spec()).await.unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert!(!bench.runs());
    }
}

#[tokio::test]
async fn starts_do_not_meet() {
    let bench = Bench::new();
    let (one, two) = (bench.spec(), bench.spec());
    let (one, two) = tokio::join!(bench.nitro.launch(&one), bench.nitro.launch(&two));
    one.unwrap();
    two.unwrap();
}

#[tokio::test]
async fn an_enclave_that_nobody_recorded_is_ended_by_its_cid() {
    let bench = Bench::new();
    bench.nitro.launch(&bench.spec()).await.unwrap();
    let start = StartId::new();
    bench.nitro.clean_up(&start, 21).await.unwrap();
    assert!(bench.runs(), "another's enclave stays");
    bench.nitro.clean_up(&start, 20).await.unwrap();
    assert!(!bench.runs());
}

#[tokio::test]
async fn a_program_that_is_missing_or_speaks_otherwise_is_named() {
    let missing = Nitro::new(Path::new("/does/not/exist/nitro-cli"));
    let error = missing.describe().await.unwrap_err().to_string();
    assert!(error.contains("/does/not/exist/nitro-cli"), "{error}");
    let bench = Bench::new();
    bench.set("nitro-cli", "#!/bin/sh\necho usage: nitro-cli\n");
    let error = bench.nitro.describe().await.unwrap_err().to_string();
    assert!(
        error.contains("not its JSON") && error.contains("usage: nitro-cli"),
        "{error}"
    );
}
