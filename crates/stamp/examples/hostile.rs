//! The cost of the worst documents: `cargo run -p letsesign-stamp --example hostile [KIND]` makes
//! one of 50 MiB of each kind, stamps it, and prints time, peak memory and result.

use letsesign_stamp::{Field, FieldKind, Fonts, Mark, Output, Signer, Template};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

/// The largest document of a job, in bytes.
const SIZE: usize = 50 << 20;
const KINDS: [&str; 10] = [
    "nothing",
    "plain",
    "heads",
    "strings",
    "bad-entry",
    "entries",
    "operators",
    "images",
    "bombs",
    "annotations",
];

fn main() -> Result<(), Box<dyn Error>> {
    let Some(kind) = env::args().nth(1) else {
        println!("{:<12} {:>8} {:>9}  result", "document", "s", "peak MiB");
        for kind in KINDS {
            // A process for each kind, because the peak is measured per process.
            Command::new(env::current_exe()?).arg(kind).status()?;
        }
        return Ok(());
    };
    let [script, mono, cjk] = letsesign_tests::fonts()?;
    let fonts = Fonts::new(script, mono, cjk)?;
    let file = env::temp_dir().join(format!("hostile-{}.pdf", std::process::id()));
    // A process of its own makes the document, so that this does not count.
    if let Some(to) = env::args().nth(2) {
        fs::write(to, document(&kind)?)?;
        return Ok(());
    }
    Command::new(env::current_exe()?)
        .arg(&kind)
        .arg(&file)
        .status()?;
    let pdf = fs::read(&file)?;
    fs::remove_file(&file)?;
    let field = [Field {
        kind: FieldKind::Signature,
        page: 1,
        x: 20.0,
        y: 20.0,
        height: 40.0,
    }];
    let signers = [Signer {
        number: 1,
        name: "Jane Doe",
        fields: &field,
        what: Mark::Pending,
    }];
    let start = Instant::now();
    let result = Template::open(&pdf).and_then(|template| {
        let output = Output::Protected { password: "secret" };
        template.stamp(&fonts, &signers, output)
    });
    let seconds = start.elapsed().as_secs_f64();
    let result = match result {
        Ok(out) => format!("{} MiB", out.len() >> 20),
        Err(error) => error.to_string(),
    };
    println!("{kind:<12} {seconds:>8.2} {:>9}  {result}", peak()?);
    Ok(())
}

/// Peak of this process's resident memory in MiB, fonts (17 MiB) and document included.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmHWM")?.parse::<u64>()? >> 10)
}

/// A document of one page with this content and these entries, and `more` after the objects.
fn page(content: &[u8], filter: &str, entries: &str, more: &[u8], bad: bool) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    let mut object = |body: &[u8], out: &mut Vec<u8>| {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", places.len()).bytes());
        out.extend(body);
        out.extend(b"\nendobj\n");
    };
    object(b"<</Type/Catalog/Pages 2 0 R>>", &mut out);
    object(
        b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 400 300]>>",
        &mut out,
    );
    let kid = format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R{entries}>>");
    object(kid.as_bytes(), &mut out);
    let mut stream = format!("<<{filter}/Length {}>>stream\n", content.len()).into_bytes();
    stream.extend(content);
    stream.extend(b"\nendstream");
    object(&stream, &mut out);
    out.extend(more);
    let start = out.len();
    let mut end = String::from("xref\n0 6\n0000000000 65535 f \n");
    places.push(usize::from(bad));
    for place in &places {
        // By convention, there is nothing at offset 0.
        let _ = writeln!(end, "{place:010} 00000 n ");
    }
    let _ = write!(
        end,
        "trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    );
    out.extend(end.bytes());
    out
}

fn document(kind: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let numbered = |text: &str| {
        let mut out = String::with_capacity(SIZE + 64);
        for number in 5.. {
            let _ = write!(out, "{} 0 obj{text}", number % 8_000_000 + 5);
            if out.len() > SIZE {
                break;
            }
        }
        out.into_bytes()
    };
    let pack = |data: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).and_then(|()| encoder.finish())
    };
    let packed = "/Filter/FlateDecode";
    Ok(match kind {
        "nothing" => page(b"", "", "", b"", false),
        "plain" => page(
            &b"0 0 1 rg 0 0 9 9 re f\n".repeat(1000),
            "",
            "",
            &image(),
            false,
        ),
        "heads" => [&b"%PDF-1.7\n"[..], &numbered(" 1 endobj\n")].concat(),
        "strings" => [&b"%PDF-1.7\n"[..], &numbered(" (")].concat(),
        "bad-entry" => page(b"", "", "", &numbered(" (x)endobj\n"), true),
        "entries" => {
            let mut out = b"%PDF-1.7\n".to_vec();
            out.resize(SIZE / 2, b' ');
            let start = out.len();
            out.extend(b"xref\n0 1000000\n");
            out.extend(b"0000000009 00000 n \n".repeat(1_000_000));
            out.extend(format!("trailer<</Root 1 0 R>>\nstartxref\n{start}\n%%EOF").bytes());
            out
        }
        "operators" => page(
            &pack(&b"q Q\n".repeat(11 << 20))?,
            packed,
            "",
            &image(),
            false,
        ),
        "images" => page(
            &pack(&b"BI/F/A85 ID x EI ".repeat(2 << 20))?,
            packed,
            "",
            &image(),
            false,
        ),
        "bombs" => page(&pack(&vec![b' '; 1 << 30])?, packed, "", &image(), false),
        "annotations" => {
            let all = "<</Subtype/Square/Rect[0 0 400 300]>>".repeat(60_000);
            page(b"", "", &format!("/Annots[{all}]"), &image(), false)
        }
        _ => return Err(format!("kinds: {}", KINDS.join(", ")).into()),
    })
}

/// An object that fills the file and that no reader needs.
fn image() -> Vec<u8> {
    let length = SIZE - (9 << 20);
    let mut out = format!("5 0 obj\n<</Length {length}>>stream\n").into_bytes();
    out.resize(out.len() + length, b'x');
    out.extend(b"\nendstream\nendobj\n");
    out
}
