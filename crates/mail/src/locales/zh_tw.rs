//! Chinese as written in Taiwan.

use crate::content::{Block, Content, Tone, file, message, reference, signer_lines, subject};
use crate::messages::{Confirm, Declined, Done, Failed, Final, Reason, Received, Signed, Voided};
use crate::people::{Person, Signers, Task};
use crate::text::one_line;

const LANGUAGE: &str = "zh-TW";

fn facts(task: &Task<'_>, signers: Option<(&'static str, &Signers<'_>)>) -> Block {
    let mut facts = vec![("文件", vec![file(task)])];
    if let Some((label, signers)) = signers {
        let lines = signer_lines(signers);
        if !lines.is_empty() {
            facts.push((label, lines));
        }
    }
    facts.push(("編號", vec![reference(task)]));
    Block::Facts(facts)
}

fn footer(task: &Task<'_>) -> String {
    format!(
        "本信件由 Let's eSign 代 {} 寄出，請勿直接回覆，回信將不會有人閱讀。",
        one_line(task.domain)
    )
}

fn greeting(person: &Person<'_>) -> Block {
    let name = one_line(person.name);
    Block::Paragraph(if name.is_empty() {
        "您好：".to_owned()
    } else {
        format!("{name} 您好：")
    })
}

/// Please sign.
pub(crate) fn confirm(mail: &Confirm<'_>) -> Content {
    let sender = one_line(mail.sender);
    let mut facts = vec![
        ("文件", vec![file(&mail.task)]),
        ("邀請方", vec![sender.clone()]),
    ];
    if let Some(phone) = mail.phone {
        facts.push(("您的手機號碼", vec![one_line(phone)]));
    }
    facts.push(("編號", vec![reference(&mail.task)]));
    let mut blocks = vec![
        greeting(&mail.signer),
        Block::Paragraph(format!(
            "{sender} 邀請您以電子方式簽署附件中的文件。簽署前請先詳閱全文。"
        )),
        Block::Facts(facts),
    ];
    blocks.extend(message("寄件人的話", mail.message));
    if mail.protected {
        blocks.push(Block::Paragraph(
            "附件已加密，請使用寄件人提供給您的密碼開啟。".to_owned(),
        ));
    }
    if let Some(phone) = mail.phone {
        blocks.push(Block::Paragraph(format!(
            "簽署時，系統會以簡訊將驗證碼傳送至 {}，請將手機放在身邊。",
            one_line(phone)
        )));
    }
    blocks.push(Block::Button {
        label: "eSign 簽署",
        link: mail.link.clone(),
        hint: "同意文件內容後再按下此按鈕。",
    });
    blocks.push(Block::Warnings {
        title: "簽署前請注意",
        items: vec![
            "除非您已詳閱文件並願意簽署，否則請勿按下「eSign 簽署」：您的簽署具有法律效力。"
                .to_owned(),
            "請勿轉寄本信件。取得本信件的人都能以您的名義簽署。".to_owned(),
            "若您不認識邀請方，或未預期收到此邀請，請不要進行任何操作，文件就不會被簽署。"
                .to_owned(),
        ],
    });
    Content {
        language: LANGUAGE,
        tone: Tone::Action,
        badge: "邀請簽署",
        subject: subject("請簽署文件", "：", &mail.task),
        heading: "有一份文件等待您簽署",
        preview: format!("{sender} 邀請您簽署「{}」", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}

/// The request was accepted.
pub(crate) fn received(mail: &Received<'_>) -> Content {
    Content {
        language: LANGUAGE,
        tone: Tone::Notice,
        badge: "已受理",
        subject: subject("已收到簽署請求", "：", &mail.task),
        heading: "我們已收到您的簽署請求",
        preview: format!("「{}」已開始簽署流程", file(&mail.task)),
        blocks: vec![
            Block::Paragraph(
                "我們已檢查下列文件的簽署請求，並開始以電子郵件邀請簽署人簽署。".to_owned(),
            ),
            facts(&mail.task, Some(("簽署人", &mail.signers))),
            Block::Paragraph(
                "您不需要進行任何操作。文件完成簽署時，我們會再寄信通知您。".to_owned(),
            ),
        ],
        footer: footer(&mail.task),
    }
}

fn reason(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::MailNotDelivered => (
            "寄給簽署人的信件無法送出。",
            "請確認簽署人的電子郵件地址與您的郵件服務用量限制，再重新送出請求。",
        ),
        Reason::MailCredentials => (
            "郵件服務商拒絕了您設定中的帳號密碼或金鑰。",
            "請更正設定中郵件服務商的帳號密碼或金鑰，再重新送出請求。",
        ),
        Reason::SmsSetting => (
            "簡訊服務尚未設定，或設定有誤。",
            "請檢查設定中的 Twilio Verify 服務，再重新送出請求。",
        ),
        Reason::PhoneNumber => (
            "有簽署人的手機號碼無效。",
            "請填寫含國碼的手機號碼（例如臺灣為 +886），再重新送出請求。",
        ),
        Reason::AlreadySigned => (
            "此文件已經使用 Let's eSign 簽署過。",
            "請改用尚未簽署的原始文件。",
        ),
        Reason::Pdf => (
            "此 PDF 無法簽署：檔案可能已損毀或禁止修改，或簽名欄位超出頁面範圍。",
            "請檢查 PDF 檔案與簽名欄位的位置，再重新送出請求。",
        ),
        Reason::TaskData => (
            "請求的資料不完整，或內容互相矛盾。",
            "請重新建立請求。若問題持續發生，請聯絡您的簽署系統管理員。",
        ),
        Reason::Other => (
            "發生未預期的錯誤。",
            "請稍後再重新送出請求。若問題持續發生，請聯絡您的簽署系統管理員。",
        ),
    }
}

/// The request failed.
pub(crate) fn failed(mail: &Failed<'_>) -> Content {
    let (cause, remedy) = reason(mail.reason);
    Content {
        language: LANGUAGE,
        tone: Tone::Failure,
        badge: "錯誤",
        subject: subject("【錯誤】簽署請求失敗", "：", &mail.task),
        heading: "您的簽署請求失敗",
        preview: cause.to_owned(),
        blocks: vec![
            Block::Paragraph("因發生錯誤，下列文件並未送出簽署。".to_owned()),
            Block::Warnings {
                title: "錯誤原因",
                items: vec![cause.to_owned()],
            },
            facts(&mail.task, Some(("簽署人", &mail.signers))),
            Block::Paragraph(format!("處理方式：{remedy}")),
        ],
        footer: footer(&mail.task),
    }
}

/// A signer has signed.
pub(crate) fn signed(mail: &Signed<'_>) -> Content {
    Content {
        language: LANGUAGE,
        tone: Tone::Notice,
        badge: "已簽署",
        subject: subject("簽署人已簽署", "：", &mail.task),
        heading: "有簽署人簽署了您的文件",
        preview: format!("「{}」有新的簽署進度", file(&mail.task)),
        blocks: vec![
            Block::Paragraph("已有簽署人完成下列文件的簽署。".to_owned()),
            facts(&mail.task, Some(("已簽署", &mail.signers))),
            Block::Paragraph(
                "所有簽署人都完成簽署後，我們會將簽署完成的文件與證明檔寄給您。".to_owned(),
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
        Block::Paragraph("有簽署人拒絕簽署下列文件。".to_owned()),
        Block::Facts(vec![
            ("文件", vec![file(&mail.task)]),
            ("拒絕簽署者", vec![format!("{name} <{address}>")]),
            ("編號", vec![reference(&mail.task)]),
        ]),
    ];
    blocks.extend(message("簽署人的理由", mail.reason));
    blocks.push(Block::Paragraph(
        "此文件尚未完成簽署。您可以再次邀請這位簽署人，或終止簽署要求。".to_owned(),
    ));
    Content {
        language: LANGUAGE,
        tone: Tone::Failure,
        badge: "已拒絕",
        subject: subject("簽署人拒絕簽署", "：", &mail.task),
        heading: "有簽署人拒絕簽署您的文件",
        preview: format!("「{}」有新的簽署進度", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}

/// The sender voided the task.
pub(crate) fn voided(mail: &Voided<'_>) -> Content {
    Content {
        language: LANGUAGE,
        tone: Tone::Notice,
        badge: "已終止",
        subject: subject("簽署要求已終止", "：", &mail.task),
        heading: "您的簽署要求已終止",
        preview: format!("「{}」不再需要簽署", file(&mail.task)),
        blocks: vec![
            Block::Paragraph(
                "貴方已終止下列文件的簽署要求，先前寄出的簽署連結均已失效。".to_owned(),
            ),
            facts(&mail.task, Some(("簽署人", &mail.signers))),
        ],
        footer: footer(&mail.task),
    }
}

fn archive(protected: bool) -> Vec<Block> {
    let mut blocks = vec![Block::Paragraph(
        "附件 zip 檔內含簽署完成的 PDF 與其證明檔（.spf）。請一併妥善保存：任何人都能隨時以這兩個檔案驗證簽署人與簽署時間。"
            .to_owned(),
    )];
    if protected {
        blocks.push(Block::Paragraph(
            "zip 檔已加密（AES-256），請使用此簽署請求的密碼開啟。".to_owned(),
        ));
    }
    blocks
}

/// Everybody has signed: to the notificant.
pub(crate) fn finished(mail: &Final<'_>) -> Content {
    let mut blocks = vec![
        Block::Paragraph("下列文件的所有簽署皆已完成。".to_owned()),
        facts(&mail.task, Some(("已簽署", &mail.signers))),
    ];
    blocks.extend(archive(mail.protected));
    Content {
        language: LANGUAGE,
        tone: Tone::Success,
        badge: "已完成",
        subject: subject("文件簽署完成", "：", &mail.task),
        heading: "您的文件已由所有簽署人簽署完成",
        preview: format!("附件為「{}」與其證明檔", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}

/// Everybody has signed: to a signer.
pub(crate) fn done(mail: &Done<'_>) -> Content {
    let mut blocks = vec![
        greeting(&mail.signer),
        Block::Paragraph("您簽署的文件已全部完成，感謝您。".to_owned()),
        facts(&mail.task, Some(("已簽署", &mail.signers))),
    ];
    blocks.extend(archive(mail.protected));
    Content {
        language: LANGUAGE,
        tone: Tone::Success,
        badge: "已完成",
        subject: subject("您簽署的文件", "：", &mail.task),
        heading: "您簽署的文件已完成",
        preview: format!("附件為「{}」與其證明檔", file(&mail.task)),
        blocks,
        footer: footer(&mail.task),
    }
}
