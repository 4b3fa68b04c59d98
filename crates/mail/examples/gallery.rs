//! Writes all mails in all languages to a directory, as HTML, plain text and MIME, for review:
//! `cargo run -p letsesign-mail --example gallery -- DIR`. `sheet-LOCALE.html` shows them side by
//! side, on a desktop and on a phone, bright and dark: docs/mail.md says how the pictures in
//! docs/mail are made of it.

use bytes::Bytes;
use letsesign_mail::{
    Confirm, Declined, Done, Failed, Final, Intent, Link, Locale, Mail, Origin, Person, Reason,
    Received, Scheme, Signature, Signed, Signers, Task, Voided, sign_link,
};
use std::error::Error;
use std::path::PathBuf;

#[allow(clippy::too_many_lines, reason = "eight mails")]
fn mails(locale: Locale, link: &Link) -> letsesign_mail::Result<Vec<(&'static str, Mail)>> {
    let chinese = locale == Locale::ZhTw;
    let task = Task {
        domain: "mail.example.com",
        task_id: "f3a1c2d4-5b6e-4f70-8a91-b2c3d4e5f607",
        file_name: if chinese {
            "租賃合約書 2026.pdf"
        } else {
            "Lease agreement 2026.pdf"
        },
        locale,
    };
    let signer = Person {
        name: if chinese { "範例一" } else { "Sample One" },
        address: "one@example.com",
    };
    let both = [
        Signature {
            name: signer.name,
            time: Some(1_795_594_107),
        },
        Signature {
            name: if chinese { "範例二" } else { "Sample Two" },
            time: Some(1_795_680_507),
        },
    ];
    let waiting = both.map(|signer| Signature {
        time: None,
        ..signer
    });
    let message = if chinese {
        "您好：\n\n附件是我們上週討論的租約，租期自一月一日起算。\n如有任何問題，歡迎隨時與我聯絡。"
    } else {
        "Hello,\n\nattached is the lease we discussed last week. It begins on January 1.\nPlease call me if anything is unclear."
    };
    let file = Bytes::from_static(b"%PDF-1.7\n%%EOF\n");
    let notificant = "office@example.com";
    Ok(vec![
        (
            "1-confirm",
            Confirm {
                task,
                signer,
                sender: "example.com",
                message,
                link,
                phone: Some("+886912345678"),
                protected: true,
                document: file.clone(),
            }
            .compose()?,
        ),
        (
            "2-received",
            Received {
                task,
                notificant,
                signers: Signers::Many(&waiting),
            }
            .compose()?,
        ),
        (
            "3-error",
            Failed {
                task,
                notificant,
                signers: Signers::One(signer.address),
                reason: Reason::Pdf,
            }
            .compose()?,
        ),
        (
            "4-signed",
            Signed {
                task,
                notificant,
                signers: Signers::Many(both.get(..1).unwrap_or_default()),
            }
            .compose()?,
        ),
        (
            "5-final",
            Final {
                task,
                notificant,
                signers: Signers::Many(&both),
                protected: false,
                archive: file.clone(),
            }
            .compose()?,
        ),
        (
            "6-done",
            Done {
                task,
                signer,
                signers: Signers::Many(&both),
                protected: true,
                archive: file,
            }
            .compose()?,
        ),
        (
            "7-declined",
            Declined {
                task,
                notificant,
                signer,
                reason: if chinese {
                    "租金與我們談定的金額不同。"
                } else {
                    "The rent is not what we agreed on."
                },
            }
            .compose()?,
        ),
        (
            "8-voided",
            Voided {
                task,
                notificant,
                signers: Signers::Many(&waiting),
            }
            .compose()?,
        ),
    ])
}

/// A page of frames: all mails on a desktop, then on a phone (390 px); the last of a row is dark.
fn sheet(locale: Locale, names: &[&str]) -> String {
    let mut page = String::from(
        "<!DOCTYPE html><meta charset=utf-8><style>body{margin:0;background:#c9d0d9}div{display:flex}\
         span{overflow:hidden;margin:6px 0 0 6px}iframe{border:0;transform-origin:0 0;transform:scale(.5)}\
         .d{width:330px;height:575px}.d iframe{width:660px;height:1150px}\
         .p{width:330px;height:1144px}.p iframe{width:390px;height:1352px;transform:scale(.8462)}</style>",
    );
    for device in ["d", "p"] {
        page.push_str("<div>");
        let bright = names.iter().map(|name| (name, "light"));
        let dark = names.iter().take(1).map(|name| (name, "dark"));
        for (name, scheme) in bright.chain(dark) {
            let frame = [
                "<span class=",
                device,
                "><iframe scrolling=no style='color-scheme:",
                scheme,
                "' src='",
                locale.tag(),
                "-",
                name,
                ".html'></iframe></span>",
            ];
            page.extend(frame);
        }
        page.push_str("</div>");
    }
    page
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: gallery DIR")?);
    std::fs::create_dir_all(&directory)?;
    let link = sign_link(
        "https://sign.example.com/",
        &Intent {
            version: "1",
            tid: "task",
            sid: "subtask",
            index: 0,
            secret: "c2VjcmV0",
            aux: "",
            locale: "en-US",
            sms: true,
        },
        Scheme::Https,
    )?;
    let origin = Origin {
        time: 1_795_594_107,
        random: [7; 16],
    };
    for locale in Locale::ALL {
        let mails = mails(locale, &link)?;
        let names: Vec<&str> = mails.iter().map(|(name, _)| *name).collect();
        std::fs::write(
            directory.join(format!("sheet-{}.html", locale.tag())),
            sheet(locale, &names),
        )?;
        for (name, mail) in mails {
            let base = directory.join(format!("{}-{name}", locale.tag()));
            std::fs::write(base.with_extension("html"), mail.html())?;
            std::fs::write(base.with_extension("txt"), mail.text())?;
            std::fs::write(base.with_extension("eml"), mail.to_mime(&origin))?;
        }
    }
    Ok(())
}
