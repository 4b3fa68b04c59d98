//! An NSM behind a unix socket (docs/job-protocol.md, "Emulation"): documents under the test root,
//! valid now.

use crate::clock::Clock;
use crate::fault::Faults;
use crate::net::Guard;
use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode, Request, Response};
use graviola::hashing::Sha384;
use graviola::signing::ecdsa::{P384, SigningKey};
use letsesign_test_authority::{Document, array, bytes, chain, key};
use p384::pkcs8::EncodePrivateKey;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// PCR0, PCR1 and PCR2.
pub type Pcrs = [[u8; 48]; 3];

/// Limits that AWS documents for user_data and nonce, and for public_key.
const FIELD_MAX: usize = 512;
const PUBLIC_KEY_MAX: usize = 1024;
/// Certificates are made anew when they are older than this, or younger than nothing.
const CHAIN_AGE: u64 = 1800;

/// A fault of the NSM.
#[derive(Debug, Clone)]
pub enum NsmFault {
    /// The request is read, and nothing is answered.
    Hang,
    /// The right answer, so much later.
    Delay(std::time::Duration),
    /// The connection is closed instead of an answer.
    Close,
    /// A message that is not CBOR.
    Garbage,
    /// A message of so many bytes is announced, and does not come.
    Announce(u32),
    /// A refusal; the name of one of the NSM's error codes.
    Refuse(Refusal),
    /// The answer to another request.
    OtherAnswer,
    /// These bytes as attestation document.
    Document(Vec<u8>),
}

/// Error codes of the NSM that callers meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// InternalError.
    Internal,
    /// InputTooLarge.
    InputTooLarge,
    /// InvalidOperation.
    InvalidOperation,
}

/// The certificates of now.
struct Chain {
    made: u64,
    leaf: Vec<u8>,
    bundle: Vec<u8>,
}

struct State {
    pcrs: RwLock<Pcrs>,
    clock: Clock,
    faults: Faults<NsmFault>,
    requests: AtomicU64,
    documents: AtomicU64,
    chain: Mutex<Option<Chain>>,
    key: SigningKey<P384>,
}

/// The NSM.
pub struct Nsm {
    state: Arc<State>,
    socket: PathBuf,
    _guard: Guard,
}

impl Nsm {
    pub(crate) fn start(folder: &Path, pcrs: Pcrs) -> io::Result<Self> {
        let socket = folder.join("nsm");
        let listener = UnixListener::bind(&socket)?;
        let der = key(5).to_pkcs8_der().expect("a key");
        let state = Arc::new(State {
            pcrs: RwLock::new(pcrs),
            clock: Clock::default(),
            faults: Faults::default(),
            requests: AtomicU64::new(0),
            documents: AtomicU64::new(0),
            chain: Mutex::new(None),
            key: SigningKey::from_pkcs8_der(der.as_bytes()).expect("the same key"),
        });
        let shared = Arc::clone(&state);
        let guard = Guard::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                tokio::select! {
                    Some(_) = open.join_next() => {}
                    accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                        open.spawn(serve(stream, Arc::clone(&shared)));
                    }
                }
            }
        });
        Ok(Self {
            state,
            socket,
            _guard: guard,
        })
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its clock: the time of documents and the certificates around it.
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// The fault that a test has asked for.
    pub fn faults(&self) -> &Faults<NsmFault> {
        &self.state.faults
    }

    /// Requests read.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// Attestation documents made for requests.
    pub fn documents(&self) -> u64 {
        self.state.documents.load(Ordering::SeqCst)
    }

    /// The registers of the enclave.
    pub fn pcrs(&self) -> Pcrs {
        *self
            .state
            .pcrs
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it another enclave; all zeros are debug mode.
    pub fn set_pcrs(&self, pcrs: Pcrs) {
        *self
            .state
            .pcrs
            .write()
            .unwrap_or_else(PoisonError::into_inner) = pcrs;
    }

    /// A document as the enclave gets it, or, after changes by `change`, as a liar would make it:
    /// signed under the test root all the same.
    pub fn attest(&self, user_data: Option<&[u8]>, change: impl FnOnce(&mut Document)) -> Vec<u8> {
        let mut document = self.state.document();
        document.user_data = user_data.map(<[u8]>::to_vec);
        change(&mut document);
        self.state.sign(&document)
    }
}

impl State {
    /// A document with the registers, time and certificates of now.
    fn document(&self) -> Document {
        let time = self.clock.now();
        let mut cached = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = time / 1000;
        let fresh = |chain: &&mut Chain| (chain.made..chain.made + CHAIN_AGE).contains(&seconds);
        let made = match cached.as_mut().filter(fresh) {
            Some(chain) => chain,
            None => cached.insert(Chain::new(seconds)),
        };
        let mut document = Document {
            chain: Vec::new(),
            instead: vec![
                ("certificate", made.leaf.clone()),
                ("cabundle", made.bundle.clone()),
            ],
            ..Document::new(time, 1)
        };
        let pcrs = *self.pcrs.read().unwrap_or_else(PoisonError::into_inner);
        for (place, value) in document.pcrs.iter_mut().zip(pcrs) {
            place.1 = value.to_vec();
        }
        document
    }

    fn sign(&self, document: &Document) -> Vec<u8> {
        document.to_bytes_by(|signed| {
            let mut signature = [0; 96];
            self.key
                .sign::<Sha384>(&[signed], &mut signature)
                .expect("room for the signature")
                .to_vec()
        })
    }

    fn answer(&self, request: Request) -> Response {
        match request {
            Request::DescribeNSM => Response::DescribeNSM {
                version_major: 1,
                version_minor: 0,
                version_patch: 0,
                module_id: "i-0000-enc0000".to_owned(),
                max_pcrs: 32,
                locked_pcrs: (0..16).collect(),
                digest: Digest::SHA384,
            },
            Request::DescribePCR { index } if index < 32 => {
                let pcrs = *self.pcrs.read().unwrap_or_else(PoisonError::into_inner);
                let data = pcrs
                    .get(usize::from(index))
                    .map_or(vec![0; 48], |pcr| pcr.to_vec());
                Response::DescribePCR {
                    lock: index < 16,
                    data,
                }
            }
            Request::DescribePCR { .. } => Response::Error(ErrorCode::InvalidIndex),
            Request::ExtendPCR { index, .. } if index < 16 => {
                Response::Error(ErrorCode::ReadOnlyIndex)
            }
            Request::GetRandom => {
                let mut random = vec![0; 256];
                getrandom::fill(&mut random).expect("random bytes");
                Response::GetRandom { random }
            }
            Request::Attestation {
                user_data,
                nonce,
                public_key,
            } => {
                let long = |field: &Option<serde_bytes::ByteBuf>, most: usize| {
                    field.as_ref().is_some_and(|field| field.len() > most)
                };
                if long(&user_data, FIELD_MAX)
                    || long(&nonce, FIELD_MAX)
                    || long(&public_key, PUBLIC_KEY_MAX)
                {
                    return Response::Error(ErrorCode::InputTooLarge);
                }
                let mut document = self.document();
                document.user_data = user_data.map(serde_bytes::ByteBuf::into_vec);
                document.nonce = nonce.map(serde_bytes::ByteBuf::into_vec);
                document.public_key = public_key.map(serde_bytes::ByteBuf::into_vec);
                self.documents.fetch_add(1, Ordering::SeqCst);
                Response::Attestation {
                    document: self.sign(&document),
                }
            }
            _ => Response::Error(ErrorCode::InvalidOperation),
        }
    }
}

impl Chain {
    fn new(seconds: u64) -> Self {
        let certificates = chain(seconds);
        let (leaf, rest) = certificates.split_last().expect("five certificates");
        let mut bundle = array(rest.len() as u64);
        for certificate in rest {
            bundle.extend(bytes(&certificate.to_der()));
        }
        Self {
            made: seconds,
            leaf: bytes(&leaf.to_der()),
            bundle,
        }
    }
}

async fn serve(mut stream: UnixStream, state: Arc<State>) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        if length > 1 << 16 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut message = vec![0; length as usize];
        stream.read_exact(&mut message).await?;
        state.requests.fetch_add(1, Ordering::SeqCst);
        let request = serde_cbor::from_slice(&message)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let response = match state.faults.take(|_| true) {
            None => state.answer(request),
            Some(NsmFault::Close) => return Ok(()),
            Some(NsmFault::Delay(time)) => {
                let answer = state.answer(request);
                tokio::time::sleep(time).await;
                answer
            }
            Some(NsmFault::Hang) => {
                // Until the client closes.
                let _ = stream.read_u8().await;
                return Ok(());
            }
            Some(NsmFault::Garbage) => {
                send(&mut stream, &[0xff; 64]).await?;
                continue;
            }
            Some(NsmFault::Announce(length)) => {
                stream.write_u32(length).await?;
                stream.write_all(&[0; 16]).await?;
                return Ok(());
            }
            Some(NsmFault::Refuse(refusal)) => Response::Error(match refusal {
                Refusal::Internal => ErrorCode::InternalError,
                Refusal::InputTooLarge => ErrorCode::InputTooLarge,
                Refusal::InvalidOperation => ErrorCode::InvalidOperation,
            }),
            Some(NsmFault::OtherAnswer) => Response::LockPCR,
            Some(NsmFault::Document(document)) => Response::Attestation { document },
        };
        let response = serde_cbor::to_vec(&response).expect("an answer");
        send(&mut stream, &response).await?;
    }
}

async fn send(stream: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).expect("a short message");
    let bytes = [&length.to_be_bytes(), message].concat();
    stream.write_all(&bytes).await
}
