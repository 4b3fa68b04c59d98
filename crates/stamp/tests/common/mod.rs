//! Shared parts of the tests: fonts, small PDFs, and external tools.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::missing_panics_doc,
    clippy::missing_errors_doc,
    reason = "tests; not every test file uses all of it"
)]

pub mod compare;
pub mod structure;

use letsesign_stamp::{Error, Field, FieldKind, Fonts, Mark, Output, Signer, Template};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ran};
use std::sync::OnceLock;

pub const MAGIC: &str = "0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210";
pub const DATE: &str = "2026/11/25 (UTC)";
pub const SIGNED: Mark<'static> = Mark::Signed {
    magic_number: MAGIC,
    date: DATE,
};

/// The fonts of the enclave.
pub fn fonts() -> &'static Fonts {
    static FONTS: OnceLock<Fonts> = OnceLock::new();
    FONTS.get_or_init(|| {
        let [script, mono, cjk] = letsesign_tests::fonts().unwrap();
        Fonts::new(script, mono, cjk).unwrap()
    })
}

pub fn signature(page: u32, x: f64, y: f64, height: f64) -> Field {
    Field {
        kind: FieldKind::Signature,
        page,
        x,
        y,
        height,
    }
}

pub fn date(page: u32, x: f64, y: f64, height: f64) -> Field {
    Field {
        kind: FieldKind::Date,
        page,
        x,
        y,
        height,
    }
}

pub fn signer<'a>(name: &'a str, fields: &'a [Field], what: Mark<'a>) -> Signer<'a> {
    Signer {
        number: 1,
        name,
        fields,
        what,
    }
}

/// Stamps one signer.
pub fn stamp(pdf: &[u8], name: &str, fields: &[Field], what: Mark<'_>) -> Result<Vec<u8>, Error> {
    stamp_as(pdf, name, fields, what, Output::Signed)
}

pub fn stamp_as(
    pdf: &[u8],
    name: &str,
    fields: &[Field],
    what: Mark<'_>,
    output: Output<'_>,
) -> Result<Vec<u8>, Error> {
    let template = Template::open(pdf)?;
    let signers = [signer(name, fields, what)];
    let checked = template.check(fonts(), &signers);
    let result = template.stamp(fonts(), &signers, output);
    assert_eq!(
        checked.err(),
        result.as_ref().err().cloned(),
        "check() and stamp() disagree"
    );
    result
}

/// The kind of cross-reference data in a test PDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A cross-reference table.
    Table,
    /// A cross-reference stream; objects without streams are in an object stream.
    Stream,
    /// A table for some objects, and a stream for those in an object stream.
    Hybrid,
}

/// Builds a PDF from the bodies of its objects, numbered from 1; the first is the catalogue.
pub fn pdf(bodies: &[&str]) -> Vec<u8> {
    pdf_as(bodies, Form::Table, "")
}

pub fn pdf_as(bodies: &[&str], form: Form, trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let count = bodies.len();
    // Type, second and third field for each number, 0 to count, and two more for the streams.
    let mut rows = vec![(0_u8, 0_usize, 65535_usize)];
    let mut packed = (String::new(), String::new());
    for (index, body) in bodies.iter().enumerate() {
        // The catalogue stays outside of the object stream: readers of hybrid files without stream
        // support need it.
        if form != Form::Table && index > 0 && !body.contains("stream") {
            rows.push((2, count + 1, packed.0.split_whitespace().count() / 2));
            write!(packed.0, "{} {} ", index + 1, packed.1.len()).unwrap();
            writeln!(packed.1, "{body}").unwrap();
        } else {
            rows.push((1, out.len(), 0));
            out.extend(format!("{} 0 obj\n{body}\nendobj\n", index + 1).bytes());
        }
    }
    let mut extra = String::new();
    if form != Form::Table {
        rows.push((1, out.len(), 0));
        let data = format!("{}{}", packed.0, packed.1);
        let pairs = packed.0.split_whitespace().count() / 2;
        out.extend(
            format!(
                "{} 0 obj\n<</Type/ObjStm/N {pairs}/First {}/Length {}>>stream\n{data}\nendstream\nendobj\n",
                count + 1,
                packed.0.len(),
                data.len()
            )
            .bytes(),
        );
        let at = out.len();
        rows.push((1, at, 0));
        let mut data = String::new();
        for (kind, second, third) in &rows {
            write!(data, "{kind:02x}{second:08x}{third:04x}").unwrap();
        }
        out.extend(
            format!(
                "{} 0 obj\n<</Type/XRef/Size {}/W[1 4 2]/Root 1 0 R{trailer}/Filter/ASCIIHexDecode/Length {}>>stream\n{data}>\nendstream\nendobj\n",
                count + 2,
                count + 3,
                data.len() + 1
            )
            .bytes(),
        );
        if form == Form::Stream {
            out.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
            return out;
        }
        extra = format!("/XRefStm {at}");
    }
    let mut start = out.len();
    out.extend(format!("xref\n0 {}\n", rows.len()).bytes());
    for (kind, second, third) in &rows {
        let line = match kind {
            1 => format!("{second:010} {third:05} n \n"),
            _ => "0000000000 65535 f \n".to_owned(),
        };
        out.extend(line.bytes());
    }
    let size = rows.len();
    out.extend(format!("trailer\n<</Size {size}/Root 1 0 R{trailer}>>\n").bytes());
    if !extra.is_empty() {
        // Hybrid files of word processors have an empty section that names the stream.
        let table = start;
        start = out.len();
        out.extend(
            format!(
                "xref\n0 0\ntrailer\n<</Size {size}/Root 1 0 R/Prev {table}{trailer}{extra}>>\n"
            )
            .bytes(),
        );
    }
    out.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
    out
}

/// A page of 400 by 300 points with these additional entries and this content.
pub fn one_page(entries: &str, content: &str) -> Vec<u8> {
    one_page_as(entries, content, Form::Table)
}

pub fn one_page_as(entries: &str, content: &str, form: Form) -> Vec<u8> {
    let content = format!("<</Length {}>>stream\n{content}\nendstream", content.len());
    pdf_as(
        &[
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
            &format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R{entries}>>"),
            &content,
        ],
        form,
        "",
    )
}

/// Reads one of the PDFs of `tests/vectors/pdf`.
pub fn vector(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/pdf");
    std::fs::read(folder.join(name)).unwrap()
}

/// Whether a Debian program, or `pdfjs`, is available.
pub fn has(program: &str) -> bool {
    if program == "pdfjs" {
        let found = letsesign_tests::pdfjs().is_some();
        if !found {
            letsesign_tests::skip(letsesign_tests::PDFJS_MISSING);
        }
        return found;
    }
    let found = letsesign_tests::is_installed(program);
    if !found {
        letsesign_tests::skip(&format!("{program} is not installed"));
    }
    found
}

/// A file in a temporary folder of its own.
pub struct File {
    pub folder: tempfile::TempDir,
    pub path: PathBuf,
}

pub fn file(pdf: &[u8]) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.pdf");
    std::fs::write(&path, pdf).unwrap();
    File { folder, path }
}

pub fn run(program: &str, arguments: &[&str]) -> Ran {
    Command::new(program).args(arguments).output().unwrap()
}

/// The exit code of `qpdf --check` (0 clean, 3 warnings, 2 errors) and its output.
pub fn qpdf_check(path: &Path, password: &str) -> (i32, String) {
    let ran = run(
        "qpdf",
        &[
            "--check",
            &format!("--password={password}"),
            path.to_str().unwrap(),
        ],
    );
    let text =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    (ran.status.code().unwrap_or(-1), text)
}

/// The text of all pages as poppler extracts it.
pub fn text(pdf: &[u8]) -> String {
    let file = file(pdf);
    let ran = run(
        "pdftotext",
        &["-enc", "UTF-8", file.path.to_str().unwrap(), "-"],
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// Encrypts with qpdf, an independent implementation.
pub fn encrypted(pdf: &[u8], arguments: &[&str]) -> Vec<u8> {
    let file = file(pdf);
    let to = file.folder.path().join("encrypted.pdf");
    let mut all = vec!["--allow-weak-crypto", "--encrypt"];
    all.extend(arguments);
    all.extend(["--", file.path.to_str().unwrap(), to.to_str().unwrap()]);
    let ran = run("qpdf", &all);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    std::fs::read(to).unwrap()
}
