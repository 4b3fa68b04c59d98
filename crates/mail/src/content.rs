//! The content of a mail, apart from its layout: HTML and plain text are made from the same blocks,
//! so they cannot say different things.

use crate::error::{Error, Result};
use crate::link::Link;
use crate::people::{Signers, Task};
use crate::text::{lines, one_line, shortened, tail};
use crate::time;
use askama::Template;

/// Characters of the file name that a subject shows.
const SUBJECT_FILE_MAX: usize = 48;
/// Characters of the taskID that a subject shows.
const TASK_TAIL: usize = 12;

/// The kind of a mail's news. It selects the colour of the bar and the mark at the top.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// The reader has to act.
    Action,
    /// Progress; the reader need not act.
    Notice,
    /// The task is complete.
    Success,
    /// Something failed.
    Failure,
}

impl Tone {
    /// Colour of the bar and the mark; white text on it has a contrast of at least 4.5.
    fn colour(self) -> &'static str {
        match self {
            Self::Action => "#1d4ed8",
            Self::Notice => "#0f6674",
            Self::Success => "#15713a",
            Self::Failure => "#b42318",
        }
    }

    /// The same role on a dark background.
    fn class(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Notice => "notice",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// A part of a mail's body. All texts are plain.
pub(crate) enum Block {
    /// Running text.
    Paragraph(String),
    /// A table of names and values; a value may have several lines.
    Facts(Vec<(&'static str, Vec<String>)>),
    /// Text that the sender wrote.
    Message {
        label: &'static str,
        lines: Vec<String>,
    },
    /// The one link of a mail.
    Button {
        label: &'static str,
        link: Link,
        hint: &'static str,
    },
    /// Warnings to the reader.
    Warnings {
        title: &'static str,
        items: Vec<String>,
    },
}

/// A mail before it is rendered.
pub(crate) struct Content {
    pub(crate) language: &'static str,
    pub(crate) tone: Tone,
    /// Says what kind of mail it is, in a word.
    pub(crate) badge: &'static str,
    pub(crate) subject: String,
    pub(crate) heading: &'static str,
    /// Shown by mail programs beside the subject.
    pub(crate) preview: String,
    pub(crate) blocks: Vec<Block>,
    pub(crate) footer: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    content: &'a Content,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct Text<'a> {
    content: &'a Content,
}

impl Content {
    pub(crate) fn html(&self) -> Result<String> {
        Html { content: self }.render().map_err(|_| Error::Template)
    }

    pub(crate) fn text(&self) -> Result<String> {
        Text { content: self }.render().map_err(|_| Error::Template)
    }
}

/// The file's name as it is shown.
pub(crate) fn file(task: &Task<'_>) -> String {
    one_line(task.file_name)
}

/// The last characters of the taskID.
pub(crate) fn reference(task: &Task<'_>) -> String {
    tail(&one_line(task.task_id), TASK_TAIL)
}

/// `WORDS: FILE [TAIL]`.
pub(crate) fn subject(words: &str, separator: &str, task: &Task<'_>) -> String {
    let file = shortened(&file(task), SUBJECT_FILE_MAX);
    format!("{words}{separator}{file} [{}]", reference(task))
}

/// One line for each signer.
pub(crate) fn signer_lines(signers: &Signers<'_>) -> Vec<String> {
    match signers {
        Signers::One(address) => vec![one_line(address)],
        Signers::Many(all) => all
            .iter()
            .map(|signer| {
                let name = one_line(signer.name);
                match signer.time {
                    Some(unix) => format!("{name} ({})", time::shown(unix)),
                    None => name,
                }
            })
            .collect(),
    }
}

/// The sender's message, if there is one.
pub(crate) fn message(label: &'static str, text: &str) -> Option<Block> {
    let lines = lines(text);
    (!lines.is_empty()).then_some(Block::Message { label, lines })
}
