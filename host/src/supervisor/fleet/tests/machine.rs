//! A machine whose enclaves are tasks that speak the job protocol. It outlives the host's process.

use crate::queue::StartId;
use crate::relay::Egress;
use crate::supervisor::{
    Handle, Image, Images, LaunchError, Launcher, Network, Opened, ProcessId, Spec, State,
};
use crate::transport::{Connection, Listener};
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use letsesign_pcr::{Measurements, Pcr};
use letsesign_testbed::{Options, Testbed};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The behaviour of a started enclave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Behaviour {
    /// Answers self-tests.
    Well,
    /// Runs and says nothing.
    Silent,
    /// Attests another PCR0.
    OtherImage,
    /// Answers with a code.
    Code,
    /// Ends after so many self-tests.
    EndsAfter(u32),
    /// Answers so many self-tests, then none.
    SilentAfter(u32),
    /// nitro-cli fails.
    LaunchFails,
}

/// The machine that enclaves run on; it outlives the host's process.
pub(super) struct Machine {
    pub(super) testbed: Testbed,
    /// The behaviour of the next starts; later ones are well.
    pub(super) next: Mutex<VecDeque<Behaviour>>,
    pub(super) running: Mutex<HashMap<i32, JoinHandle<()>>>,
    pub(super) launched: Mutex<Vec<Spec>>,
    pub(super) cleaned: Mutex<Vec<StartId>>,
}

impl Machine {
    pub(super) async fn new() -> Arc<Self> {
        Arc::new(Self {
            testbed: Testbed::start(Options::default()).await.unwrap(),
            next: Mutex::default(),
            running: Mutex::default(),
            launched: Mutex::default(),
            cleaned: Mutex::default(),
        })
    }

    pub(super) fn plan(&self, behaviours: &[Behaviour]) {
        self.next.lock().unwrap().extend(behaviours);
    }

    pub(super) fn launches(&self) -> usize {
        self.launched.lock().unwrap().len()
    }

    pub(super) fn alive(&self) -> usize {
        let running = self.running.lock().unwrap();
        running.values().filter(|task| !task.is_finished()).count()
    }
}

pub(super) struct OnMachine(pub(super) Arc<Machine>);

#[async_trait]
impl Launcher for OnMachine {
    fn name(&self) -> &'static str {
        "program"
    }

    fn is_emulation(&self) -> bool {
        true
    }

    async fn launch(&self, spec: &Spec) -> Result<Handle, LaunchError> {
        let next = self.0.next.lock().unwrap().pop_front();
        let behaviour = next.unwrap_or(Behaviour::Well);
        let mut launched = self.0.launched.lock().unwrap();
        launched.push(spec.clone());
        if behaviour == Behaviour::LaunchFails {
            return Err(LaunchError::Failed("[ E26 ] no memory".into()));
        }
        let pid = i32::try_from(launched.len()).unwrap();
        let enclave = enclave(Arc::clone(&self.0), spec.clone(), behaviour);
        self.0
            .running
            .lock()
            .unwrap()
            .insert(pid, tokio::spawn(enclave));
        Ok(Handle::Processes(vec![ProcessId { pid, started: 0 }]))
    }

    async fn state(&self, handle: &Handle) -> Result<State, LaunchError> {
        let Handle::Processes(ids) = handle else {
            panic!("{handle:?}");
        };
        let running = self.0.running.lock().unwrap();
        let runs = running
            .get(&ids[0].pid)
            .is_some_and(|task| !task.is_finished());
        Ok(if runs { State::Running } else { State::Ended })
    }

    async fn terminate(&self, handle: &Handle, _grace: Duration) -> Result<(), LaunchError> {
        let Handle::Processes(ids) = handle else {
            panic!("{handle:?}");
        };
        let task = self.0.running.lock().unwrap().remove(&ids[0].pid);
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
        Ok(())
    }

    async fn clean_up(&self, start: &StartId, _cid: u32) -> Result<(), LaunchError> {
        self.0.cleaned.lock().unwrap().push(start.clone());
        Ok(())
    }
}

/// The text of an image's file: its PCR0's byte and the bytes of compatible ones.
pub(super) fn image(fill: u8, compatible: &[u8]) -> String {
    let all: Vec<String> = [fill].iter().chain(compatible).map(u8::to_string).collect();
    all.join(" ")
}

pub(super) struct Read;

impl Images for Read {
    fn load(&self, path: &Path) -> Result<Image, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path:?}: {error}"))?;
        let mut images = text.split(' ').map(|fill| {
            let fill = fill.parse().unwrap();
            let pcr = |fill: u8| Pcr::new([fill; 48]);
            Measurements::new(pcr(fill), pcr(0x22), pcr(0x33)).unwrap()
        });
        Ok(Image {
            path: path.to_owned(),
            measurements: images.next().unwrap(),
            egress: Egress {
                job_api: 9001,
                destinations: Vec::new(),
            },
            job_api: 9001,
            services: BTreeMap::new(),
            compatible: images.collect(),
        })
    }
}

async fn ask(address: &str, request: String) -> Option<Value> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

async fn enclave(machine: Arc<Machine>, spec: Spec, behaviour: Behaviour) {
    let address = spec.addresses[&9001].clone();
    let own = Read.load(&spec.image).unwrap().measurements;
    let mut answered = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match behaviour {
            Behaviour::Silent => continue,
            Behaviour::EndsAfter(count) if answered >= count => return,
            Behaviour::SilentAfter(count) if answered >= count => continue,
            _ => {}
        }
        let get = "GET /api/get-job HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let Some(job) = ask(&address, get.into()).await else {
            continue;
        };
        if job["jobName"] != "selfTest" {
            continue;
        }
        let nonce = BASE64_STANDARD
            .decode(job["jobData"]["nonce"].as_str().unwrap())
            .unwrap();
        let user_data = br#"{"fnName":"selfTest","hashList":[]}"#;
        let fill = match behaviour {
            Behaviour::OtherImage => 0x77,
            _ => own.pcr0().as_bytes()[0],
        };
        let document = {
            // One NSM for all enclaves of this machine.
            let mut pcrs = machine.testbed.nsm.pcrs();
            pcrs[0] = [fill; 48];
            machine.testbed.nsm.set_pcrs(pcrs);
            machine
                .testbed
                .nsm
                .attest(Some(user_data), |document| document.nonce = Some(nonce))
        };
        let code = if behaviour == Behaviour::Code {
            2999
        } else {
            0
        };
        let body = json!({
            "session": job["session"],
            "jobResult": {"code": code, "attestDocument": BASE64_STANDARD.encode(document)},
        })
        .to_string();
        let put = format!(
            "POST /api/put-job-result HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if ask(&address, put).await.is_some() {
            answered += 1;
        }
    }
}

pub(super) struct Loopback;

struct Bound(TcpListener);

#[async_trait]
impl Network for Loopback {
    async fn open(
        &self,
        _cid: u32,
        _image: &Image,
        ports: &[u32],
        addresses: &BTreeMap<u32, String>,
    ) -> io::Result<Opened> {
        let mut opened = Opened {
            listeners: Vec::new(),
            relay: Box::new(()),
            addresses: BTreeMap::new(),
        };
        for port in ports {
            let address = addresses.get(port).map_or("127.0.0.1:0", String::as_str);
            let bound = TcpListener::bind(address).await?;
            opened
                .addresses
                .insert(*port, bound.local_addr()?.to_string());
            opened.listeners.push((*port, Box::new(Bound(bound))));
        }
        Ok(opened)
    }
}

#[async_trait]
impl Listener for Bound {
    async fn accept(&mut self) -> io::Result<Connection> {
        Ok(self.0.accept().await?.0.into())
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }
}
