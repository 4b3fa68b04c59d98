//! An NSM on a unix socket. Its document is the request, so that tests see what was asked.

use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use letsesign_nsm::emulation::{read_message, write_message};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

pub struct MockNsm {
    pub socket: PathBuf,
    _folder: tempfile::TempDir,
}

pub fn start() -> MockNsm {
    serve(|request| match request {
        Request::Attestation {
            user_data,
            nonce,
            public_key,
        } => {
            assert!(public_key.is_none());
            let document = [user_data.unwrap().into_vec(), nonce.unwrap().into_vec()].concat();
            Response::Attestation { document }
        }
        _ => Response::Error(ErrorCode::InvalidOperation),
    })
}

pub fn start_refusing() -> MockNsm {
    serve(|_| Response::Error(ErrorCode::InternalError))
}

fn serve(answer: fn(Request) -> Response) -> MockNsm {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("nsm");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            while let Ok(request) = read_message(&mut stream, 1 << 16) {
                let response = answer(serde_cbor::from_slice(&request).unwrap());
                write_message(&mut stream, &serde_cbor::to_vec(&response).unwrap()).unwrap();
            }
        }
    });
    MockNsm {
        socket,
        _folder: folder,
    }
}
