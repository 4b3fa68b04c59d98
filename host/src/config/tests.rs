use super::*;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in ["image", "a.json", "key"] {
            fs::write(folder.path().join(file), "x").unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// The smallest good file, with these lines in front, in `[enclave]` and at the end.
    fn text(&self, front: &str, enclave: &str, end: &str) -> String {
        format!(
            "state = \"/var/lib/host\"\n{front}\n[enclave]\nimage = \"{}\"\naccept = [\"{}\"]\n\
             {enclave}\n{end}\n",
            self.path("image"),
            self.path("a.json")
        )
    }

    fn load(&self, text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let path = self.0.path().join("host.toml");
        fs::write(&path, text).unwrap();
        let variables = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        load(&path, variables).map_err(|error| error.to_string())
    }
}

#[test]
fn the_smallest_file_has_the_defaults_that_the_example_says() {
    let files = Files::new();
    let config = files.load(&files.text("", "", ""), &[]).unwrap();
    assert_eq!(config.enclave.launcher, Launcher::Nitro);
    assert_eq!(config.after_exit(), AfterExit::Keep);
    assert_eq!((config.enclave.count, config.enclave.cpus), (1, 2));
    assert_eq!(
        (config.enclave.memory_mib, config.enclave.first_cid),
        (1024, 16)
    );
    assert_eq!(config.queue.engine, Engine::Sqlite);
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9180");
}

/// Every key of the example, commented out or not, is one that the program knows.
#[test]
fn the_example_is_read_with_all_its_keys() {
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("host.toml"));
    let example = example.unwrap();
    let _: Config = toml::from_str(&example).unwrap();
    let mut front = String::new();
    let mut sections = String::new();
    let mut in_section = false;
    for line in example.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let key = line.split('=').next().unwrap().trim();
        let is_key = line.contains(" = ")
            && key
                .trim_matches('"')
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        if line.starts_with('[') && line.ends_with(']') {
            in_section = true;
        } else if !is_key {
            continue;
        }
        let text = if in_section {
            &mut sections
        } else {
            &mut front
        };
        text.push_str(line);
        text.push('\n');
    }
    let config: Config = toml::from_str(&format!("{front}{sections}")).unwrap();
    assert_eq!(config.sender["example.com"].weight, Some(4));
    assert_eq!(config.relay.allow.len(), 1);
    assert!(config.queue.s3.is_some() && config.enclave.program.is_some());
}

/// Lines in front, in `[enclave]` and at the end of a good file, and what the error says.
const PROBLEMS: &[(&str, &str, &str, &str)] = &[
    ("stat = 1", "", "", "line 2: unknown field `stat`"),
    ("", "cpus = \"two\"", "", "line 6: invalid type"),
    ("", "cpus = ", "", "line 6: "),
    (
        "",
        "launcher = \"xen\"",
        "",
        "line 6: unknown variant `xen`",
    ),
    (
        "",
        "cpus = 0",
        "",
        "line 6: enclave.cpus is 0; it must be 1 to 64",
    ),
    ("", "first-cid = 3", "", "line 6: enclave.first-cid is 3"),
    ("", "memory-mib = 8", "", "line 6: enclave.memory-mib is 8"),
    ("", "count = 33", "", "line 6: enclave.count is 33"),
    (
        "",
        "attestation = \"registers\"",
        "",
        "line 6: enclave.attestation must be \"aws\"",
    ),
    (
        "",
        "launcher = \"qemu\"",
        "",
        "line 3: enclave.qemu is missing",
    ),
    (
        "",
        "launcher = \"program\"",
        "",
        "line 3: enclave.program is missing",
    ),
    ("name = \"a b\"", "", "", "line 2: name must have"),
    (
        "",
        "",
        "[queue]\nengine = \"postgres\"",
        "queue.url is missing",
    ),
    (
        "",
        "",
        "[queue]\nengine = \"postgres\"",
        "queue.s3 is missing",
    ),
    (
        "",
        "",
        "[queue]\nurl = \"postgresql://h\"",
        "line 8: queue.url belongs to",
    ),
    (
        "",
        "",
        "[queue]\nkeys = [\"/none\"]",
        "line 8: queue.keys /none",
    ),
    (
        "",
        "",
        "[sender.\"a.b\"]\nweight = 0",
        "line 8: sender.a.b.weight must be",
    ),
    (
        "",
        "",
        "[queue.quota]\njobs = 0",
        "line 8: queue.quota.jobs must be",
    ),
    (
        "",
        "",
        "[relay]\nidle-seconds = 0",
        "line 8: relay.idle-seconds must be",
    ),
    (
        "",
        "",
        "[relay.allow]\nhost = []",
        "line 8: relay.allow.host names no address",
    ),
    (
        "",
        "",
        "[relay.overrides]\n\"a:1\" = \"127.0.0.1:1\"",
        "relay.overrides is for",
    ),
    (
        "",
        "",
        "[queue.s3]\nbucket = \"b\"\nendpoint = \"http://h\"",
        "line 9: queue.s3.endpoint",
    ),
    ("", "", "[http]\nlisten = \"localhost\"", "line 8: "),
];

#[test]
fn every_problem_is_named_with_its_line_and_the_way_out() {
    let files = Files::new();
    for (front, enclave, end, expected) in PROBLEMS {
        let error = files
            .load(&files.text(front, enclave, end), &[])
            .unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains("host.toml"), "{error}");
    }
}

#[test]
fn all_problems_are_named_at_once() {
    let files = Files::new();
    let text = "state = \"var\"\n[enclave]\nimage = \"/none\"\naccept = []\n";
    let error = files.load(text, &[]).unwrap_err();
    for expected in [
        "line 1: state must be an absolute path",
        "line 3: enclave.image /none: No such file",
        "line 4: enclave.accept names no release",
    ] {
        assert!(error.contains(expected), "all at once: {error}");
    }
    let missing = load(Path::new("/none/host.toml"), [])
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("/none/host.toml") && missing.contains("No such file"),
        "{missing}"
    );
}

#[test]
fn variables_stand_above_the_file() {
    let files = Files::new();
    let text = files.text("", "cpus = 4", "");
    let config = files.load(
        &text,
        &[
            ("LETSESIGN_HOST_ENCLAVE__CPUS", "8"),
            ("LETSESIGN_HOST_STATE", "/srv/host"),
            ("LETSESIGN_HOST_LOG__FORMAT", "json"),
            ("LETSESIGN_HOST_QUEUE__QUOTA__JOBS", "5"),
            ("LETSESIGN_HOST_NAME", "2026-11-27"),
            ("LETSESIGN_HOST_CONFIG", "/etc/host.toml"),
            ("LETSESIGN_HOST_OVERRIDES", "a.example:443=127.0.0.1:1"),
            ("PATH", "/bin"),
        ],
    );
    let config = config.unwrap();
    assert_eq!(config.enclave.cpus, 8);
    assert_eq!(config.state, Path::new("/srv/host"));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.queue.quota.jobs, Some(5));
    assert_eq!(config.name.as_deref(), Some("2026-11-27"));
    let error = files
        .load(&text, &[("LETSESIGN_HOST_ENCLAVE__CPUS", "0")])
        .unwrap_err();
    assert!(
        error.contains("LETSESIGN_HOST_ENCLAVE__CPUS is 0"),
        "{error}"
    );
    let error = files
        .load(&text, &[("LETSESIGN_HOST_ENCLAVE__CPU", "2")])
        .unwrap_err();
    assert!(
        error.contains("LETSESIGN_HOST_ENCLAVE__CPU") && error.contains("cpu"),
        "{error}"
    );
    let error = files
        .load(&text, &[("LETSESIGN_HOST_STATE__X", "2")])
        .unwrap_err();
    assert!(
        error.contains("LETSESIGN_HOST_STATE__X: state is not a section"),
        "{error}"
    );
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    let files = Files::new();
    let variables = [("LETSESIGN_HOST_QUEUE__URL", "mysql://user:secret@h")];
    let text = files.text("", "", "[queue]\nengine = \"postgres\"");
    let error = files.load(&text, &variables).unwrap_err();
    assert!(
        error.contains("LETSESIGN_HOST_QUEUE__URL is not a URL"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}
