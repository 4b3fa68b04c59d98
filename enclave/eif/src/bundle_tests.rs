use super::*;
use canoni::{Metadata, TreeBuilder};

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:\nlone:x:7:8::/:\nbroken\n";
const GROUP: &str = "root:x:0:\nstaff:x:50:app,lone\nwheel:x:10:app\nweb:x:33:\n";

fn tree() -> Tree {
    let mut tree = TreeBuilder::new();
    let mut file = |path: &str, mode: u32, text: &str| {
        tree.file(path, Metadata::root(mode), text.as_bytes().to_vec().into())
            .unwrap();
    };
    file("etc/passwd", 0o644, PASSWD);
    file("etc/group", 0o644, GROUP);
    file("usr/bin/app", 0o755, "program");
    file("usr/bin/data", 0o644, "no program");
    tree.symlink("bin", "usr/bin").unwrap();
    tree.symlink("usr/bin/absolute", "/bin/app").unwrap();
    tree.symlink("usr/bin/climbing", "../../../../bin/app")
        .unwrap();
    tree.symlink("loop", "loop").unwrap();
    tree.symlink("dangling", "nowhere").unwrap();
    tree.hard_link("usr/bin/twin", "usr/bin/app").unwrap();
    tree.dir("work", Metadata::root(0o755)).unwrap();
    tree.build().unwrap()
}

fn process(program: &str) -> Process {
    Process {
        entrypoint: vec![program.to_owned()],
        ..Process::default()
    }
}

fn json(process: &Process) -> Result<String> {
    process
        .to_config_json(&tree())
        .map(|bytes| String::from_utf8(bytes).unwrap())
}

fn error(process: &Process) -> String {
    json(process).unwrap_err().to_string()
}

/// The whole spelling: members sorted, no white space (RFC 8785).
#[test]
fn config_has_one_spelling() {
    let process = Process {
        entrypoint: vec!["/bin/app".into()],
        cmd: vec!["--say".into(), "h\u{e9}\"\n".into()],
        env: vec!["PATH=/bin".into(), "EMPTY=".into()],
        user: Some("app".into()),
        working_dir: Some("/work".into()),
    };
    assert_eq!(
        json(&process).unwrap(),
        "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"/bin/app\",\"--say\",\"h\u{e9}\\\"\\n\"],\"capabilities\":{\"ambient\":[],\
         \"bounding\":[],\"effective\":[],\"inheritable\":[],\"permitted\":[]},\"cwd\":\"/work\",\"env\":[\"PATH=/bin\",\"EMPTY=\"],\
         \"noNewPrivileges\":true,\"user\":{\"additionalGids\":[10,50],\"gid\":1001,\"uid\":1000}},\"root\":{\"path\":\"rootfs\"}}"
    );
    // serde_json's own sorted map agrees that this is the sorted spelling.
    let value: std::collections::BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&json(&process).unwrap()).unwrap();
    assert_eq!(
        value.keys().collect::<Vec<_>>(),
        ["ociVersion", "process", "root"]
    );
}

#[test]
fn users_are_resolved_by_the_image() {
    let user = |text: &str| {
        let user = lookup::user(&tree(), text).map_err(|error| error.to_string())?;
        Ok::<_, String>((user.uid, user.gid, user.additional_gids))
    };
    for (text, uid, gid, additional) in [
        ("", 0, 0, vec![]),
        ("root", 0, 0, vec![]),
        ("app", 1000, 1001, vec![10, 50]),
        ("1000", 1000, 1001, vec![10, 50]),
        ("lone", 7, 8, vec![50]),
        ("app:web", 1000, 33, vec![]),
        ("app:99", 1000, 99, vec![]),
        ("65532:65532", 65532, 65532, vec![]),
        ("65532", 65532, 0, vec![]),
        (":web", 0, 33, vec![]),
        ("app:", 1000, 1001, vec![10, 50]),
    ] {
        assert_eq!(user(text).unwrap(), (uid, gid, additional), "{text}");
    }
    for (text, what) in [
        ("nobody", "user \"nobody\""),
        ("-1", "user \"-1\""),
        ("app:none", "group \"none\""),
        ("4294967296", "user"),
        ("4294967295", "4294967295"),
    ] {
        let error = user(text).unwrap_err();
        assert!(error.contains(what), "{text}: {error}");
    }
}

#[test]
fn programs_are_looked_for_as_the_enclave_will() {
    for program in [
        "/usr/bin/app",
        "/bin/app",
        "/bin/absolute",
        "/bin/climbing",
        "/bin/twin",
        "bin/app",
        "/work/../bin/./app",
    ] {
        json(&process(program)).unwrap_or_else(|error| panic!("{program}: {error}"));
    }
    let by_path = |program: &str, path: &str| {
        json(&Process {
            env: vec![format!("PATH={path}")],
            ..process(program)
        })
    };
    by_path("app", "/sbin:/bin").unwrap();
    assert!(
        by_path("app", "/sbin")
            .unwrap_err()
            .to_string()
            .contains("PATH=/sbin")
    );
    assert!(by_path("data", "/bin").is_err());
    for (program, text) in [
        ("app", "sets no PATH"),
        ("/missing", "not in the image"),
        ("/bin/data", "is not an executable file"),
        ("/work", "is not an executable file"),
        ("/loop", "not in the image"),
        ("/dangling", "not in the image"),
        ("/bin/app/below", "not in the image"),
        ("", "nothing to run"),
    ] {
        assert!(
            error(&process(program)).contains(text),
            "{program}: {}",
            error(&process(program))
        );
    }
    assert!(error(&Process::default()).contains("--exec"));
}

#[test]
fn what_cannot_work_is_refused() {
    let with = |change: fn(&mut Process)| {
        let mut process = process("/bin/app");
        change(&mut process);
        error(&process)
    };
    assert!(with(|p| p.cmd = vec!["a\0b".into()]).contains("NUL"));
    assert!(with(|p| p.env = vec!["NOTHING".into()]).contains("NAME=value"));
    assert!(with(|p| p.env = vec!["=x".into()]).contains("NAME=value"));
    assert!(with(|p| p.working_dir = Some("work".into())).contains("not absolute"));
    assert!(with(|p| p.working_dir = Some("/missing".into())).contains("/missing"));
    assert!(with(|p| p.working_dir = Some("/bin/app".into())).contains("not in the image"));
}
