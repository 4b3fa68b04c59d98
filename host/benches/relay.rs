//! The relay beside socat, in one run: one stream's throughput, and the memory of a relay process
//! with 1,000 connections. `cargo bench -p letsesign-host --bench relay`.
//!
//! Each relay is a process of its own: this program again, or socat. The target and the sender are
//! threads here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use letsesign_host::relay::{Answer, DnsError, Egress, Options, Relay, Resolve};
use letsesign_host::transport::{Tcp, Transport, UnixSockets};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of one measurement, and measurements of each way.
const BYTES: usize = 2 << 30;
const ROUNDS: usize = 5;
/// Bytes of one write of the sender.
const WRITE: usize = 256 << 10;
const CONNECTIONS: usize = 1000;
/// The relay's memory may grow to this with so many connections.
const MEMORY_KIB: u64 = 64 << 10;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--relay") {
        serve(arguments[at + 1].parse().unwrap(), arguments.get(at + 2));
        return;
    }
    raise_descriptors();
    throughput();
    memory();
}

/// The process of the relay: prints its address, and ends with its input.
fn serve(target: SocketAddr, folder: Option<&String>) {
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let text = "cid = 3\njob-api = 9001\n[[tls]]\nhost = \"a.example\"\nport = 587\n\
                    vsock-port = 9002\nanchors = \"a.pem\"\n";
        let options = Options {
            connections: 2 * CONNECTIONS,
            connections_per_port: 2 * CONNECTIONS,
            overrides: [(("a.example".to_owned(), 587), target)].into(),
            ..Options::default()
        };
        let transport: Arc<dyn Transport> = match folder {
            Some(folder) => Arc::new(UnixSockets {
                folder: folder.into(),
            }),
            None => Arc::new(Tcp::default()),
        };
        let egress = Egress::parse(text).unwrap();
        let relay = Relay::start(transport, 16, &egress, options, Arc::new(NoDns)).await;
        println!("{}", relay.as_ref().unwrap().addresses()[0].1);
        tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]))
            .await
            .unwrap()
            .unwrap();
    });
}

struct NoDns;

#[async_trait::async_trait]
impl Resolve for NoDns {
    async fn lookup(&self, _: &str) -> Result<Answer, DnsError> {
        Err(DnsError::NoAddresses)
    }
}

/// Two descriptors for each connection.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// A running relay.
struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ours(target: SocketAddr, folder: Option<&Path>) -> Running {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--relay")
        .arg(target.to_string())
        .args(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    Running {
        child,
        address: address.trim().to_owned(),
    }
}

fn socat(target: SocketAddr, block: &str, folder: Option<&Path>) -> Option<Running> {
    let (listen, address) = if let Some(folder) = folder {
        let path = folder.join("socat").display().to_string();
        let _ = std::fs::remove_file(&path);
        (format!("UNIX-LISTEN:{path},fork"), path)
    } else {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let port = address.port();
        let text = format!("TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr");
        (text, address.to_string())
    };
    let child = Command::new("socat")
        .args(["-b", block, &listen, &format!("TCP:{target}")])
        .spawn()
        .ok()?;
    let running = Running { child, address };
    for _ in 0..100 {
        if connect(&running.address).is_some() {
            return Some(running);
        }
        thread::sleep(Duration::from_millis(20));
    }
    None
}

/// A stream of either kind.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

fn connect(address: &str) -> Option<Stream> {
    if address.starts_with('/') {
        UnixStream::connect(address).ok().map(Stream::Unix)
    } else {
        TcpStream::connect(address).ok().map(Stream::Tcp)
    }
}

impl Stream {
    fn io(&mut self) -> &mut dyn ReadWrite {
        match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => stream,
        }
    }

    fn end(&self) {
        match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write).unwrap(),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write).unwrap(),
        }
    }
}

trait ReadWrite: Read + Write {}
impl<S: Read + Write> ReadWrite for S {}

/// A target that reads to the end, and then sends the number of bytes.
fn sink() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let (mut buffer, mut count) = (vec![0; WRITE], 0_u64);
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    count += read as u64;
                }
                let _ = stream.write_all(&count.to_le_bytes());
            });
        }
    });
    address
}

/// Bytes per second from us to the sink.
fn send(address: &str) -> f64 {
    let mut stream = connect(address).unwrap();
    let bytes = vec![7; WRITE];
    let start = Instant::now();
    for _ in 0..BYTES / WRITE {
        stream.io().write_all(&bytes).unwrap();
    }
    stream.end();
    let mut count = [0; 8];
    stream.io().read_exact(&mut count).unwrap();
    assert_eq!(u64::from_le_bytes(count), BYTES as u64);
    BYTES as f64 / start.elapsed().as_secs_f64()
}

fn throughput() {
    let target = sink();
    let folder = tempfile::tempdir().unwrap();
    for folder in [None, Some(folder.path())] {
        let relay = ours(target, folder);
        let socats = ["8192", "65536"].map(|block| (block, socat(target, block, folder)));
        let mut ways = vec![("direct, TCP".to_owned(), target.to_string())];
        ways.push(("letsesign-host".into(), relay.address.clone()));
        for (block, socat) in &socats {
            match socat {
                Some(socat) => ways.push((format!("socat -b {block}"), socat.address.clone())),
                None => println!("socat is not installed"),
            }
            if folder.is_some() {
                // One path for both: the first is measured.
                break;
            }
        }
        let mut speeds = vec![Vec::new(); ways.len()];
        for _ in 0..ROUNDS {
            for ((_, address), speeds) in ways.iter().zip(&mut speeds) {
                speeds.push(send(address));
            }
        }
        println!(
            "One stream of {} MiB {}, median (least, most) of {ROUNDS}:",
            BYTES >> 20,
            if folder.is_some() {
                "from a unix socket to TCP"
            } else {
                "from TCP to TCP"
            }
        );
        let mut medians = Vec::new();
        for ((name, _), speeds) in ways.iter().zip(&mut speeds) {
            speeds.sort_by(f64::total_cmp);
            let mib = |speed: f64| speed / f64::from(1 << 20);
            let median = speeds[ROUNDS / 2];
            println!(
                "  {name:20} {:7.0} MiB/s ({:.0}, {:.0})",
                mib(median),
                mib(speeds[0]),
                mib(speeds[ROUNDS - 1])
            );
            medians.push(median);
        }
        if let [_, ours, socat, ..] = medians[..] {
            println!(
                "  letsesign-host is {:.2} times as fast as socat",
                ours / socat
            );
        }
    }
}

/// A field of `/proc/PID/status`, in KiB.
fn status(pid: u32, field: &str) -> u64 {
    let path = PathBuf::from(format!("/proc/{pid}/status"));
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// 1,000 connections: idle after an exchange, and then with targets that read nothing.
fn memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = ours(listener.local_addr().unwrap(), None);
    let pid = relay.child.id();
    let empty = status(pid, "VmRSS");
    let start = Instant::now();
    let mut pairs = Vec::new();
    for _ in 0..CONNECTIONS {
        let enclave = TcpStream::connect(&relay.address).unwrap();
        pairs.push((enclave, listener.accept().unwrap().0));
    }
    for (enclave, service) in &mut pairs {
        let (mut bytes, mut read) = ([7; 1024], [0; 1024]);
        enclave.write_all(&bytes).unwrap();
        service.read_exact(&mut read).unwrap();
        service.write_all(&read).unwrap();
        enclave.read_exact(&mut bytes).unwrap();
    }
    println!(
        "{CONNECTIONS} connections, opened and 1 KiB there and back in {:.2} s; resident memory of \
         the relay: {empty} KiB before, {} KiB with all idle",
        start.elapsed().as_secs_f64(),
        status(pid, "VmRSS")
    );
    // Nobody reads: whatever the kernel does not take, the relay holds.
    let bytes = vec![7; 64 << 10];
    for (enclave, service) in &mut pairs {
        for stream in [enclave, service] {
            stream.set_nonblocking(true).unwrap();
        }
    }
    let mut sent = 0_u64;
    let mut quiet = 0;
    while quiet < 20 {
        let before = sent;
        for (enclave, service) in &mut pairs {
            for stream in [enclave, service] {
                while let Ok(count @ 1..) = stream.write(&bytes) {
                    sent += count as u64;
                }
            }
        }
        quiet = if sent == before { quiet + 1 } else { 0 };
        thread::sleep(Duration::from_millis(50));
    }
    let most = status(pid, "VmHWM");
    println!(
        "  with {} MiB sent both ways that nobody reads: {} KiB, at most {most} KiB (goal: below \
         {MEMORY_KIB})",
        sent >> 20,
        status(pid, "VmRSS")
    );
    assert!(most < MEMORY_KIB, "the relay takes too much memory");
}
