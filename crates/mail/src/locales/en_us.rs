//! American English.

use crate::content::{Block, Content, Tone, file, message, reference, signer_lines, subject};
use crate::messages::{Confirm, Declined, Done, Failed, Final, Reason, Received, Signed, Voided};
use crate::people::{Person, Signers, Task};
use crate::text::one_line;

const LANGUAGE: &str = "en-US";

fn facts(task: &Task<'_>, signers: Option<(&'static str, &Signers<'_>)>) -> Block {
    let mut facts = vec![("Document", vec![file(task)])];
    if let Some((label, signers)) = signers {
        let lines = signer_lines(signers);
        if !lines.is_empty() {
            facts.push((label, lines));
        }
    }
    facts.push(("Reference", vec![reference(task)]));
    Block::Facts(facts)
}

fn signers_label(signers: &Signers<'_>) -> &'static str {
    match signers {
        Signers::Many(all) if all.len() > 1 => "Signers",
        _ => "Signer",
    }
}

fn footer(task: &Task<'_>) -> String {
    format!(
        "Sent by Let's eSign for {}. Replies to this address are not read.",
        one_line(task.domain)
    )
}

fn greeting(person: &Person<'_>) -> Block {
    let name = one_line(person.name);
    Block::Paragraph(if name.is_empty() {
        "Hello,".to_owned()
    } else {
        format!("Dear {name},")
    })
}

/// Please sign.
pub(crate) fn confirm(mail: &Confirm<'_>) -> Content {
    let sender = one_line(mail.sender);
    let mut facts = vec![
        ("Document", vec![file(&mail.task)]),
        ("Requested by", vec![sender.clone()]),
    ];
    if let Some(phone) = mail.phone {
        facts.push(("Your phone", vec![one_line(phone)]));
    }
    facts.push(("Reference", vec![reference(&mail.task)]));
    let mut blocks = vec![
        greeting(&mail.signer),
        Block::Paragraph(format!(
            "{sender} asks you to sign the attached document electronically. Please read it to the end first."
        )),
        Block::Facts(facts),
    ];
    blocks.extend(message("Message from the sender", mail.message));
    if mail.protected {
        blocks.push(Block::Paragraph(
            "The attached document is encrypted. Open it with the password you have from the sender."
                .to_owned(),
        ));
    }
    if let Some(phone) = mail.phone {
        blocks.push(Block::Paragraph(format!(
            "When you sign, a verification code will be sent by text message to {}. Keep this phone at hand.",
            one_line(phone)
        )));
    }
    blocks.push(Block::Button {
        label: "eSign",
        link: mail.link.clone(),
        hint: "Press it only if you agree to the document.",
    });
    blocks.push(Block::Warnings {
        title: "Before you sign",
        items: vec![
            "Do not press eSign unless you have read the document and are willing to sign it: your signature is binding."
                .to_owned(),
            "Do not forward this mail. Whoever has it can sign in your name.".to_owned(),
            "You do not know the sender, or did not expect this? Then do nothing, and nothing is signed."
                .to_owned(),
        ],
    });
    Content {
        language: LANGUAGE,
        tone: Tone::Action,
        badge: "Signature requested",
        subject: subject("Please sign", ": ", &mail.task),
        heading: "A document awaits your signature",
        preview: format!("{sender} asks you to sign {}", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}

/// The request was accepted.
pub(crate) fn received(mail: &Received<'_>) -> Content {
    let label = signers_label(&mail.signers);
    Content {
        language: LANGUAGE,
        tone: Tone::Notice,
        badge: "Received",
        subject: subject("Signing request received", ": ", &mail.task),
        heading: "Your signing request was received",
        preview: format!("The signing of {} has begun", file(&mail.task)),
        blocks: vec![
            Block::Paragraph(
                "We have checked the request to sign the document below and have begun to ask for signatures by mail."
                    .to_owned(),
            ),
            facts(&mail.task, Some((label, &mail.signers))),
            Block::Paragraph(
                "You do not need to do anything. We will write to you again when the document is signed."
                    .to_owned(),
            ),
        ],
        footer: footer(&mail.task),
    }
}

fn reason(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::MailNotDelivered => (
            "The mail to the signer could not be delivered.",
            "Check the signer's address and the limits of your mail provider, and send the request again.",
        ),
        Reason::MailCredentials => (
            "The mail provider refused the credentials in your settings.",
            "Correct the mail provider's credentials in your settings, and send the request again.",
        ),
        Reason::SmsSetting => (
            "The settings for text messages are missing or wrong.",
            "Check the Twilio Verify service in your settings, and send the request again.",
        ),
        Reason::PhoneNumber => (
            "A signer's phone number is not valid.",
            "Write the phone number with its country code, for example +1 for the United States, and send the request again.",
        ),
        Reason::AlreadySigned => (
            "The document was already signed with Let's eSign.",
            "Send the original document, without signatures.",
        ),
        Reason::Pdf => (
            "The PDF cannot be signed: it is damaged or protected against changes, or a signature field lies outside its page.",
            "Check the PDF and the places of its signature fields, and send the request again.",
        ),
        Reason::TaskData => (
            "The data of the request are incomplete or contradict each other.",
            "Create the request again. If this happens again, tell whoever runs your signing application.",
        ),
        Reason::Other => (
            "Something unexpected went wrong.",
            "Send the request again later. If this happens again, tell whoever runs your signing application.",
        ),
    }
}

/// The request failed.
pub(crate) fn failed(mail: &Failed<'_>) -> Content {
    let (cause, remedy) = reason(mail.reason);
    let label = signers_label(&mail.signers);
    Content {
        language: LANGUAGE,
        tone: Tone::Failure,
        badge: "Error",
        subject: subject("ERROR - signing request failed", ": ", &mail.task),
        heading: "Your signing request failed",
        preview: cause.to_owned(),
        blocks: vec![
            Block::Paragraph(
                "The document below was not sent out for signing because of an error.".to_owned(),
            ),
            Block::Warnings {
                title: "What went wrong",
                items: vec![cause.to_owned()],
            },
            facts(&mail.task, Some((label, &mail.signers))),
            Block::Paragraph(format!("What you can do: {remedy}")),
        ],
        footer: footer(&mail.task),
    }
}

/// A signer has signed.
pub(crate) fn signed(mail: &Signed<'_>) -> Content {
    Content {
        language: LANGUAGE,
        tone: Tone::Notice,
        badge: "Signed",
        subject: subject("A signer has signed", ": ", &mail.task),
        heading: "A signer has signed your document",
        preview: format!("News about {}", file(&mail.task)),
        blocks: vec![
            Block::Paragraph("We have received a signature for the document below.".to_owned()),
            facts(&mail.task, Some(("Signed by", &mail.signers))),
            Block::Paragraph(
                "When everybody has signed, you will get the signed document and its proof by mail."
                    .to_owned(),
            ),
        ],
        footer: footer(&mail.task),
    }
}

/// A signer declined.
pub(crate) fn declined(mail: &Declined<'_>) -> Content {
    let name = one_line(mail.signer.name);
    let address = one_line(mail.signer.address);
    let mut blocks = vec![
        Block::Paragraph("A signer has declined to sign the document below.".to_owned()),
        Block::Facts(vec![
            ("Document", vec![file(&mail.task)]),
            ("Declined by", vec![format!("{name} <{address}>")]),
            ("Reference", vec![reference(&mail.task)]),
        ]),
    ];
    blocks.extend(message("The signer's reason", mail.reason));
    blocks.push(Block::Paragraph(
        "The document is not signed. You can ask this signer again, or end the request.".to_owned(),
    ));
    Content {
        language: LANGUAGE,
        tone: Tone::Failure,
        badge: "Declined",
        subject: subject("A signer has declined", ": ", &mail.task),
        heading: "A signer has declined to sign",
        preview: format!("News about {}", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}

/// The sender voided the task.
pub(crate) fn voided(mail: &Voided<'_>) -> Content {
    let label = signers_label(&mail.signers);
    Content {
        language: LANGUAGE,
        tone: Tone::Notice,
        badge: "Void",
        subject: subject("Signing request ended", ": ", &mail.task),
        heading: "Your signing request was ended",
        preview: format!("Nobody is asked to sign {} any more", file(&mail.task)),
        blocks: vec![
            Block::Paragraph(
                "The request to sign the document below was ended on your side. Links that were mailed are void."
                    .to_owned(),
            ),
            facts(&mail.task, Some((label, &mail.signers))),
        ],
        footer: footer(&mail.task),
    }
}

fn archive(protected: bool) -> Vec<Block> {
    let mut blocks = vec![Block::Paragraph(
        "The attached zip file holds the signed PDF and its proof (.spf). Keep both: with them anyone can verify who signed, and when, \
         at any time."
            .to_owned(),
    )];
    if protected {
        blocks.push(Block::Paragraph(
            "The zip file is encrypted (AES-256). Open it with the password of the signing request."
                .to_owned(),
        ));
    }
    blocks
}

/// Everybody has signed: to the notificant.
pub(crate) fn finished(mail: &Final<'_>) -> Content {
    let mut blocks = vec![
        Block::Paragraph("All signatures for the document below are complete.".to_owned()),
        facts(&mail.task, Some(("Signed by", &mail.signers))),
    ];
    blocks.extend(archive(mail.protected));
    Content {
        language: LANGUAGE,
        tone: Tone::Success,
        badge: "Completed",
        subject: subject("Signing completed", ": ", &mail.task),
        heading: "Your document is signed by everyone",
        preview: format!("{} and its proof are attached", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}

/// Everybody has signed: to a signer.
pub(crate) fn done(mail: &Done<'_>) -> Content {
    let mut blocks = vec![
        greeting(&mail.signer),
        Block::Paragraph("The document you signed is complete. Thank you.".to_owned()),
        facts(&mail.task, Some(("Signed by", &mail.signers))),
    ];
    blocks.extend(archive(mail.protected));
    Content {
        language: LANGUAGE,
        tone: Tone::Success,
        badge: "Completed",
        subject: subject("Your signed document", ": ", &mail.task),
        heading: "The document you signed is complete",
        preview: format!("{} and its proof are attached", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}
