//! An NSM on a unix socket, with documents of the test's authority.

use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use letsesign_nsm::emulation::{read_message, write_message};
use letsesign_test_authority::Document;
use serde_bytes::ByteBuf;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

pub struct MockNsm {
    pub socket: PathBuf,
    _folder: tempfile::TempDir,
}

pub fn start() -> MockNsm {
    serve(|_, request| match request {
        Request::Attestation {
            user_data,
            nonce,
            public_key,
        } => document(user_data, nonce, public_key),
        _ => Response::Error(ErrorCode::InvalidOperation),
    })
}

/// Answers the question that every start has, and nothing more.
pub fn start_refusing() -> MockNsm {
    serve(|number, _| match number {
        0 => document(None, None, None),
        _ => Response::Error(ErrorCode::InternalError),
    })
}

/// Refuses everything.
pub fn start_broken() -> MockNsm {
    serve(|_, _| Response::Error(ErrorCode::InternalError))
}

fn document(
    user_data: Option<ByteBuf>,
    nonce: Option<ByteBuf>,
    public_key: Option<ByteBuf>,
) -> Response {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let mut document = Document::new(u64::try_from(now).unwrap(), 0x11);
    document.user_data = user_data.map(ByteBuf::into_vec);
    document.nonce = nonce.map(ByteBuf::into_vec);
    document.public_key = public_key.map(ByteBuf::into_vec);
    Response::Attestation {
        document: document.to_bytes(),
    }
}

/// Answers requests, each with its number.
fn serve(answer: fn(usize, Request) -> Response) -> MockNsm {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("nsm");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let mut number = 0;
        for mut stream in listener.incoming().flatten() {
            while let Ok(request) = read_message(&mut stream, 1 << 16) {
                let response = answer(number, serde_cbor::from_slice(&request).unwrap());
                number += 1;
                write_message(&mut stream, &serde_cbor::to_vec(&response).unwrap()).unwrap();
            }
        }
    });
    MockNsm {
        socket,
        _folder: folder,
    }
}
