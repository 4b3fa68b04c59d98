//! The data of a step's job (docs/protocol-2.md, "Jobs").

use super::task::{Place, Step, Task};
use crate::queue::{BodyStream, Error};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io;

/// The parts of a job that a task does not hold.
pub(crate) struct Parts {
    /// The account: its wrapped key and its box.
    pub(crate) account: (Vec<u8>, Vec<u8>),
    /// The configuration box.
    pub(crate) configuration: Vec<u8>,
    /// The document box, where the function needs it.
    pub(crate) document: Option<BodyStream>,
    /// `access`: current credentials for KMS.
    pub(crate) access: Value,
}

/// Whether a function needs the document itself.
pub(crate) fn needs_document(place: Place) -> bool {
    match place {
        Place::Attach | Place::Request(_) | Place::Remind(_) => true,
        Place::Void | Place::Answer(_) => false,
    }
}

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The text of `jobData`, piece by piece: a document of 36 MiB is never held as a whole.
pub(crate) fn data(
    task: &Task,
    place: Place,
    step: &Step,
    parts: Parts,
) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    let mut payload = json!({
        "protocol": 2,
        "header": base64(&task.header),
        "account": {
            "wrappedKey": base64(&parts.account.0),
            "box": base64(&parts.account.1),
        },
        "wrappedKey": base64(&task.wrapped_key),
        "configuration": base64(&parts.configuration),
    })
    .to_string();
    // The payload's last member is the document or its hash.
    payload.pop();
    let (document, closing) = if let Some(document) = parts.document {
        payload.push_str(",\"document\":\"");
        (document, "\"}")
    } else {
        let _ = write!(payload, ",\"documentHash\":\"{}\"", task.document_hash);
        (stream::empty().boxed(), "}")
    };
    let rest = rest(task, place, step, &parts.access).to_string();
    let rest = rest.strip_prefix('{').unwrap_or_default().to_owned();
    let head = Bytes::from(format!("{{\"taskPayload\":{payload}"));
    let tail = Bytes::from(format!("{closing},{rest}"));
    stream::iter([Ok(head)])
        .chain(encoded(document))
        .chain(stream::iter([Ok(tail)]))
}

/// The members after `taskPayload`.
fn rest(task: &Task, place: Place, step: &Step, access: &Value) -> Value {
    let statements: Vec<Value> = task
        .statements
        .iter()
        .take(step.statements)
        .map(|sent| json!({"statement": base64(&sent.text), "mac": base64(&sent.mac)}))
        .collect();
    let mut rest = json!({"statements": statements, "access": access});
    let Some(members) = rest.as_object_mut() else {
        return rest;
    };
    let poi = |signer: usize| {
        let confirmed = task.signers.get(signer)?.poi.as_ref()?;
        Some(json!({"poi": confirmed.poi, "poiDocument": confirmed.document}))
    };
    match place {
        Place::Void => {}
        Place::Attach => {
            let proofs: Vec<Value> = (0..task.signers.len()).filter_map(poi).collect();
            members.insert("proofs".into(), proofs.into());
        }
        Place::Request(signer) => {
            members.insert("signer".into(), signer.into());
            let round = task.signers.get(signer).map_or(1, |one| one.round);
            members.insert("round".into(), round.into());
            let before = signer.checked_sub(1).filter(|_| task.in_order);
            if let Some(previous) = before.and_then(poi) {
                members.insert("previous".into(), previous);
            }
        }
        Place::Remind(signer) | Place::Answer(signer) => {
            let Some(one) = task.signers.get(signer) else {
                return rest;
            };
            if let Some(asked) = &one.por {
                members.insert("por".into(), asked.por.clone().into());
                members.insert("porDocument".into(), asked.document.clone().into());
            }
            if let (Place::Answer(_), Some(answer)) = (place, &one.answer) {
                members.insert("answer".into(), base64(&answer.bytes).into());
                members.insert("ipAddress".into(), answer.address.clone().into());
                if let (super::task::Function::Confirm, Some(verification)) =
                    (answer.function, &one.verification)
                {
                    members.insert("verification".into(), verification.clone().into());
                }
            }
        }
    }
    rest
}

/// Base64 of a stream: what does not fill three bytes waits for the next piece.
fn encoded(document: BodyStream) -> impl Stream<Item = Result<Bytes, io::Error>> + Send {
    let state = (document, BytesMut::new(), false);
    stream::unfold(state, |(mut document, mut waiting, ended)| async move {
        if ended {
            return None;
        }
        match document.next().await {
            Some(Ok(piece)) => {
                waiting.extend_from_slice(&piece);
                let whole = waiting.len() - waiting.len() % 3;
                let text = base64(&waiting.split_to(whole));
                Some((Ok(text.into()), (document, waiting, false)))
            }
            Some(Err(error)) => Some((Err(broken(&error)), (document, waiting, true))),
            None => Some((Ok(base64(&waiting).into()), (document, waiting, true))),
        }
    })
}

fn broken(error: &Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_of_any_length_encode_as_a_whole(
            pieces in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 0..50), 0..8),
        ) {
            let whole = base64(&pieces.concat());
            let stream = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let text: Vec<Bytes> = runtime.block_on(async {
                encoded(stream.boxed()).map(Result::unwrap).collect().await
            });
            prop_assert_eq!(String::from_utf8(text.concat()).unwrap(), whole);
        }
    }
}
