//! Details of a step beside its messages: sealed parts, the link, decoded proofs.

use crate::model::{Crossing, Detail, Guard, Part, Party, Step};
use crate::show;
use anyhow::{Context, Result};
use letsesign_nsm::document::Unverified;
use letsesign_proof::{Poi, Por};
use letsesign_testbed::client::PARTS;
use letsesign_testbed::{Attested, Json, Link, Sealed, Signer, Task};
use serde_json::Value;

/// The sender seals the task; nothing is sent yet.
pub(crate) fn sealing(task: &Task, sealed: &Sealed, millis: f64) -> Step {
    let parts = task.parts();
    let binding = parts.clone().bind().binding;
    let pdf = String::from_utf8_lossy(&task.pdf).into_owned();
    let clear: [(&str, String); 4] = [
        (
            "file name, message, names, addresses, phone numbers",
            parts.task_config.to_text(),
        ),
        ("the document", pdf),
        ("credentials for mail", parts.email_config.to_text()),
        (
            "hashes that bind all of it, the key of the result",
            binding.to_text(),
        ),
    ];
    let twilio = parts.twilio_config.as_ref().map(Json::to_text);
    let names = PARTS.into_iter().zip(clear);
    let names =
        names.chain(twilio.map(|text| ("encryptedTwilioConfig", ("credentials for SMS", text))));
    let parts = names.map(|(name, (holds, clear))| {
        let cipher = sealed
            .payload
            .text_at(&format!("privateTaskInfo.{name}.encryptedData"));
        Part {
            name,
            holds: holds.to_owned(),
            clear: printable(&clear),
            cipher: show::start(cipher, 160),
            bytes: cipher.len() as u64,
        }
    });
    Step {
        title: "The sender seals the task".to_owned(),
        text: "Each part gets a data key of its own (AES-256), which is encrypted under the sender's public key in AWS KMS. Everybody can seal; only KMS can unseal, and its key \
               policy gives data keys to an enclave with the listed measurements alone. Hashes bind the parts, so that none can be exchanged."
            .to_owned(),
        millis: Some(millis),
        parts: parts.collect(),
        details: vec![Detail {
            title: "What stays in clear: publicTaskInfo".to_owned(),
            text: sealed.payload.at("publicTaskInfo").map(|json| pretty(&json.to_text())).unwrap_or_default(),
        }],
        ..Step::default()
    }
}

/// The start of a text or a document in printable form.
fn printable(text: &str) -> String {
    let start = show::start(text, 160);
    start
        .replace(char::is_control, " ")
        .replace(char::REPLACEMENT_CHARACTER, "·")
}

/// A signer opens the link.
pub(crate) fn opening(signer: &Signer, link: &Link) -> Step {
    let mut intent = link.intent.clone();
    if let Some(secret) = intent.get_mut("secret") {
        *secret = Value::String(show::start(link.secret(), 40));
    }
    Step {
        title: format!("{} opens the link", signer.name),
        text: "The preview is read, the button pressed. The link leads to the sender's page for signers, which sends the link's secret and the signer's IP \
               address to the sender's server."
            .to_owned(),
        crossings: vec![Crossing {
            from: Party::Signer,
            to: Party::Sender,
            what: "intent, with the secret".to_owned(),
            bytes: link.url.len() as u64,
            guard: Guard::Tls,
            host: String::new(),
            sample: None,
        }],
        details: vec![
            Detail { title: "The link".to_owned(), text: show::start(&link.url, 240) },
            Detail { title: "What it says".to_owned(), text: pretty(&intent.to_string()) },
        ],
        ..Step::default()
    }
}

/// JSON over several lines.
fn pretty(json: &str) -> String {
    let value: Result<Value, _> = serde_json::from_str(json);
    let text = value.and_then(|value| serde_json::to_string_pretty(&value));
    text.unwrap_or_else(|_| json.to_owned())
}

fn attested_at(document: &[u8]) -> Result<String> {
    let fields =
        Unverified::parse(document).context("an attestation document that cannot be read")?;
    let data = fields
        .user_data
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    Ok(format!(
        "attested {}\nby user data {data}",
        show::time(fields.timestamp / 1000)
    ))
}

/// A PoR, decoded.
pub(crate) fn por(por: &Attested) -> Result<Detail> {
    let bytes = por.result("por");
    let value = Por::parse(bytes).context("a PoR that cannot be read")?;
    let mut text = format!(
        "payloadHash    {}\nsignerIdx      {}\nsecretHash     {}\nphoneRequired  {}\n",
        value.payload_hash, value.signer_idx, value.secret_hash, value.phone_required
    );
    if let Some(hash) = value.task_hash {
        text += &format!("taskHash       {hash}\n");
    }
    if let Some(time) = value.expiry_time {
        text += &format!("expiryTime     {time} = {}\n", show::time(time / 1000));
    }
    text += &attested_at(&por.document)?;
    Ok(Detail {
        title: format!("PoR, {} of CBOR", show::size(bytes.len() as u64)),
        text,
    })
}

/// A PoI, decoded.
pub(crate) fn poi(poi: &Attested) -> Result<Detail> {
    let bytes = poi.result("poi");
    let value = Poi::parse(bytes).context("a PoI that cannot be read")?;
    let mut text = format!(
        "payloadHash    {}\nsignerIdx      {}\nipAddress      {}\nporTime        {} = {}\n",
        value.payload_hash,
        value.signer_idx,
        value.ip_address,
        value.por_time,
        show::time(value.por_time / 1000)
    );
    if let Some(hash) = value.task_hash {
        text += &format!("taskHash       {hash}\n");
    }
    if let Some(phone) = &value.phone {
        text += &format!(
            "phoneSalt      {}\nphoneHash      {}\n",
            hex::encode(phone.salt),
            phone.hash
        );
    }
    text += &attested_at(&poi.document)?;
    Ok(Detail {
        title: format!("PoI, {} of CBOR", show::size(bytes.len() as u64)),
        text,
    })
}
