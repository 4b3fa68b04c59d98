//! A PostgreSQL server of the tests' own: its cluster in a temporary folder, on a unix socket.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Runs in a shell. It ends the server and removes its folder when its standard input closes: when
/// the tests are over, however they end. A line restarts the server: `stop` or `start`.
const KEEPER: &str = r#"
as="$3"
run() { $as "$2/postgres" -D "$1/data" >>"$1/log" 2>&1 & pid=$!; }
run "$@"
while read -r line; do
    case "$line" in
    stop) kill -QUIT $pid; wait $pid; touch "$1/stopped" ;;
    start) rm -f "$1/stopped"; run "$@" ;;
    esac
done
kill -QUIT $pid; wait $pid; rm -rf "$1"
"#;

/// See the module.
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    /// Kept, so that its standard input is open as long as these tests run.
    _shell: Child,
    keeper: std::sync::Mutex<ChildStdin>,
}

/// The server that tests share, or the reason why there is none.
pub fn shared() -> Result<&'static Cluster, String> {
    static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let cluster = SHARED
        .get_or_init(Cluster::start)
        .as_ref()
        .map_err(Clone::clone);
    if let Err(reason) = &cluster {
        assert!(
            std::env::var_os("REQUIRE_ALL").is_none(),
            "REQUIRE_ALL: {reason}"
        );
        eprintln!("skipped: {reason}");
    }
    cluster
}

impl Cluster {
    /// Starts one.
    pub fn start() -> Result<Self, String> {
        let bin = [
            "/usr/lib/postgresql/15/bin",
            "/usr/lib/postgresql/17/bin",
            "/usr/bin",
        ]
        .map(PathBuf::from)
        .into_iter()
        .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .ok_or("PostgreSQL is not installed (Debian: postgresql-15)")?;
        let folder = tempfile::Builder::new()
            .prefix("queue-pg")
            .tempdir()
            .unwrap()
            .keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711)).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        // PostgreSQL refuses to run as root; Debian's package has a user for it.
        let user: &[&str] = if is_root {
            &[
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
            ]
        } else {
            &["env"]
        };
        let data = folder.join("data");
        std::fs::create_dir(&data).unwrap();
        if is_root {
            run(Command::new("chown")
                .arg("postgres:")
                .arg(&folder)
                .arg(&data));
        }
        let (program, arguments) = user.split_first().unwrap();
        let mut initdb = Command::new(program);
        initdb
            .args(arguments)
            .arg(bin.join("initdb"))
            .arg("-D")
            .arg(&data);
        run(initdb.args(["-U", "queue", "-A", "trust", "-E", "UTF8", "--locale=C"]));
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 200\n",
            folder.display()
        );
        std::fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .and_then(|mut file| file.write_all(settings.as_bytes()))
            .unwrap();
        let mut shell = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(&bin)
            .arg(user.join(" "))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let keeper = shell.stdin.take().unwrap().into();
        let cluster = Self {
            folder,
            bin,
            _shell: shell,
            keeper,
        };
        cluster.wait();
        Ok(cluster)
    }

    fn psql(&self, sql: &str) -> bool {
        Command::new(self.bin.join("psql"))
            .args(["-U", "queue", "-d", "postgres", "-qAt", "-h"])
            .arg(&self.folder)
            .args(["-c", sql])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn wait(&self) {
        let start = Instant::now();
        while !self.psql("SELECT 1") {
            assert!(
                start.elapsed() < Duration::from_mins(1),
                "PostgreSQL does not answer"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A new, empty database: its URL.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("queue{}", NEXT.fetch_add(1, Ordering::Relaxed));
        assert!(
            self.psql(&format!("CREATE DATABASE {name}")),
            "no new database"
        );
        format!("host={} user=queue dbname={name}", self.folder.display())
    }

    /// Ends the server at once, as a crash does.
    pub fn stop(&self) {
        self.tell("stop");
        wait_until(|| self.folder.join("stopped").exists());
    }

    /// Starts it again.
    pub fn start_again(&self) {
        self.tell("start");
        self.wait();
    }

    fn tell(&self, line: &str) {
        writeln!(self.keeper.lock().unwrap(), "{line}").unwrap();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        output.stderr.escape_ascii()
    );
}

fn wait_until(is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "it takes too long"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// SQL as the tests' superuser in the database of a URL.
pub fn sql(url: &str, text: &str) {
    let status = Command::new("psql")
        .arg(url)
        .args(["-qAt", "-c", text])
        .status()
        .unwrap();
    assert!(status.success(), "{text}");
}
