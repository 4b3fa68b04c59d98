//! The demo's contract: a PDF of three pages in Helvetica, a font that every reader includes.

use anyhow::{Context, Result};
use letsesign_testbed::client::Field;

const WIDTH: f64 = 595.0;
const HEIGHT: f64 = 842.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 64.0;
/// Height of a signer's box, in points.
const BOX: f64 = 98.0;

/// Text of the contract: headings and paragraphs.
const CLAUSES: &[(&str, &[&str])] = &[
    (
        "Subject",
        &[
            "The Provider plans, builds and maintains a garden pavilion of untreated larch on the Client's ground, as the drawings in \
             Annex A show it. The pavilion is finished when it keeps out rain from every side for a whole night.",
            "Works that the drawings do not show are agreed upon in writing before they begin.",
        ],
    ),
    (
        "Time",
        &[
            "Work begins within fourteen days after the last signature and takes forty working days. Days with frost or storm do not \
             count; the Provider notes them in the site diary, which the Client may read at any time.",
        ],
    ),
    (
        "Price and payment",
        &[
            "The price is 48,200.00, taxes included. A third is due with the last signature, a third when the roof is closed, and the rest \
             thirty days after acceptance.",
            "Prices of timber are fixed. If the Client changes the drawings, both sides agree on a new price first.",
        ],
    ),
    (
        "Acceptance",
        &[
            "Both sides walk round the pavilion together and write down what is missing. What is on the list is put right within twenty \
             days; what is not on it is accepted.",
        ],
    ),
    (
        "Warranty",
        &[
            "The Provider answers for faults of material and workmanship for five years. Larch turns grey in sun and rain; that is not a fault.",
            "Whoever finds a fault tells the Provider without delay and lets him see it before others change anything.",
        ],
    ),
    (
        "Confidentiality",
        &[
            "Both sides keep to themselves what they learn of each other's affairs. This contract itself is confidential: nobody but \
             the undersigned and those whom they send it to may read it, whoever keeps or carries it.",
        ],
    ),
    (
        "Ending",
        &[
            "Until work begins each side may withdraw by a letter. Afterwards withdrawal needs a reason that would make a fair person \
             withdraw; what has been built by then is paid for.",
        ],
    ),
    (
        "Form and signature",
        &[
            "The undersigned sign electronically. The signed document and its proof file together are the original; each printed copy \
             is a copy. Changes of this contract, this sentence included, need the same form.",
        ],
    ),
];

const ROLES: [&str; 6] = [
    "For the Provider",
    "For the Client",
    "Witness",
    "Second witness",
    "Third witness",
    "Fourth witness",
];

/// The contract for this number of signers, and the field positions of each.
pub(crate) fn contract(signers: usize) -> Result<(Vec<u8>, Vec<Vec<Field>>)> {
    let mut pages = vec![Page::default()];
    let mut y = cover(last(&mut pages)?);
    for (number, (heading, paragraphs)) in (1..).zip(CLAUSES) {
        let lines: usize = paragraphs
            .iter()
            .map(|text| wrap(text, 10.5, RIGHT - LEFT - 26.0).len())
            .sum();
        // Keep a clause on one page.
        if y + 40.0 + 16.0 * f(lines) > HEIGHT - 96.0 {
            pages.push(Page::default());
            y = 84.0;
        }
        let page = last(&mut pages)?;
        page.colour([0.11, 0.35, 0.42]);
        page.text(Font::Bold, 12.0, LEFT, y, &number.to_string());
        page.colour([0.1, 0.12, 0.15]);
        page.text(Font::Bold, 12.0, LEFT + 26.0, y, heading);
        y += 20.0;
        for paragraph in *paragraphs {
            for line in wrap(paragraph, 10.5, RIGHT - LEFT - 26.0) {
                page.text(Font::Plain, 10.5, LEFT + 26.0, y, &line);
                y += 15.5;
            }
            y += 6.0;
        }
        y += 12.0;
    }
    // Signatures follow the last clause if there is room.
    if y + 60.0 + BOX * f(signers) > HEIGHT - 66.0 {
        pages.push(Page::default());
        y = 92.0;
    }
    let number = i64::try_from(pages.len()).unwrap_or(i64::MAX);
    let fields = signatures(last(&mut pages)?, y + 4.0, signers, number);
    let total = pages.len();
    for (number, page) in (1..).zip(&mut pages) {
        page.colour([0.45, 0.48, 0.52]);
        page.line(LEFT, HEIGHT - 60.0, RIGHT, HEIGHT - 60.0, 0.5);
        page.text(
            Font::Plain,
            8.5,
            LEFT,
            HEIGHT - 45.0,
            "Contract for work: garden pavilion",
        );
        let text = format!("Page {number} of {total}");
        page.text(
            Font::Plain,
            8.5,
            RIGHT - width(&text, 8.5),
            HEIGHT - 45.0,
            &text,
        );
    }
    Ok((write(&pages), fields))
}

fn cover(page: &mut Page) -> f64 {
    page.colour([0.11, 0.35, 0.42]);
    page.rectangle(0.0, 0.0, WIDTH, 10.0);
    page.text(Font::Bold, 10.0, LEFT, 78.0, "CONTRACT FOR WORK");
    page.colour([0.1, 0.12, 0.15]);
    page.text(Font::Bold, 27.0, LEFT, 112.0, "A garden pavilion of larch");
    page.colour([0.35, 0.38, 0.42]);
    page.text(
        Font::Plain,
        11.0,
        LEFT,
        134.0,
        "between the Provider and the Client, whose names stand beside their signatures",
    );
    page.colour([0.93, 0.96, 0.965]);
    page.rectangle(LEFT, 160.0, RIGHT - LEFT, 62.0);
    page.colour([0.1, 0.12, 0.15]);
    let facts = [
        ("Price", "48,200.00"),
        ("Time", "40 working days"),
        ("Warranty", "5 years"),
        ("Annexes", "A: drawings"),
    ];
    for (place, (name, value)) in facts.iter().enumerate() {
        let x = LEFT + 18.0 + f(place) * 116.0;
        page.text(Font::Plain, 9.0, x, 184.0, name);
        page.text(Font::Bold, 12.0, x, 204.0, value);
    }
    258.0
}

/// Draws a box for each signer, one below the other.
fn signatures(page: &mut Page, mut y: f64, signers: usize, number: i64) -> Vec<Vec<Field>> {
    page.colour([0.1, 0.12, 0.15]);
    page.text(Font::Bold, 18.0, LEFT, y, "Signatures");
    y += 22.0;
    let text =
        "By signing, the undersigned agree to the whole contract, clauses 1 to 8 and Annex A.";
    for line in wrap(text, 10.5, RIGHT - LEFT) {
        page.text(Font::Plain, 10.5, LEFT, y, &line);
        y += 15.5;
    }
    let field = |x, y, kind, height| Field {
        x,
        y,
        height,
        page: number,
        kind,
    };
    (0..signers)
        .map(|signer| {
            let top = y + 12.0 + f(signer) * BOX;
            page.colour([0.11, 0.35, 0.42]);
            page.text(
                Font::Bold,
                10.0,
                LEFT,
                top + 8.0,
                ROLES.get(signer).unwrap_or(&"Witness"),
            );
            page.colour([0.45, 0.48, 0.52]);
            page.line(LEFT, top + 68.0, 372.0, top + 68.0, 0.7);
            page.line(400.0, top + 68.0, RIGHT, top + 68.0, 0.7);
            page.text(Font::Plain, 8.0, LEFT, top + 79.0, "Signature");
            page.text(Font::Plain, 8.0, 400.0, top + 79.0, "Date");
            vec![
                field(LEFT, top + 18.0, 0, 46.0),
                field(400.0, top + 50.0, 1, 12.0),
            ]
        })
        .collect()
}

/// A small count as a length.
fn f(number: usize) -> f64 {
    f64::from(u16::try_from(number).unwrap_or(u16::MAX))
}

/// The page that is being written.
fn last(pages: &mut [Page]) -> Result<&mut Page> {
    pages.last_mut().context("a document without pages")
}

#[derive(Clone, Copy)]
enum Font {
    Plain,
    Bold,
}

/// A content stream; positions count from the upper left corner.
#[derive(Default)]
struct Page(String);

impl Page {
    fn colour(&mut self, [r, g, b]: [f64; 3]) {
        self.0 += &format!("{r} {g} {b} rg {r} {g} {b} RG\n");
    }

    fn text(&mut self, font: Font, size: f64, x: f64, y: f64, text: &str) {
        let name = match font {
            Font::Plain => "F1",
            Font::Bold => "F2",
        };
        let text = text
            .replace('\\', "\\\\")
            .replace('(', "\\(")
            .replace(')', "\\)");
        self.0 += &format!(
            "BT /{name} {size} Tf {x} {:.2} Td ({text}) Tj ET\n",
            HEIGHT - y
        );
    }

    fn line(&mut self, x: f64, y: f64, to_x: f64, to_y: f64, width: f64) {
        self.0 += &format!(
            "{width} w {x} {:.2} m {to_x} {:.2} l S\n",
            HEIGHT - y,
            HEIGHT - to_y
        );
    }

    fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.0 += &format!("{x} {:.2} {width} {height} re f\n", HEIGHT - y - height);
    }
}

/// Widths of the ASCII characters from the space on in Helvetica, in thousandths of the font size
/// (Adobe's font metrics).
#[rustfmt::skip]
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

fn width(text: &str, size: f64) -> f64 {
    let units: u32 = text
        .bytes()
        .map(|byte| {
            let at = usize::from(byte.wrapping_sub(b' '));
            u32::from(WIDTHS.get(at).copied().unwrap_or(556))
        })
        .sum();
    f64::from(units) / 1000.0 * size
}

fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or("", String::as_str);
        if line.is_empty() {
            lines.pop();
            lines.push(word.to_owned());
        } else {
            let longer = format!("{line} {word}");
            if width(&longer, size) <= room {
                lines.pop();
                lines.push(longer);
            } else {
                lines.push(word.to_owned());
            }
        }
    }
    lines
}

fn write(pages: &[Page]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|page| format!("{} 0 R", 5 + 2 * page))
        .collect();
    let font = |name: &str| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
    };
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R /Lang (en) >>".to_owned(),
        format!(
            "<< /Type /Pages /Count {} /Kids [{}] >>",
            pages.len(),
            kids.join(" ")
        ),
        font("Helvetica"),
        font("Helvetica-Bold"),
    ];
    for (number, page) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>",
            6 + 2 * number
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{}\nendstream",
            page.0.len(),
            page.0
        ));
    }
    let count = objects.len() + 1;
    objects.push("<< /Title (Contract for work: garden pavilion) >>".to_owned());
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = String::new();
    for (number, object) in (1..).zip(&objects) {
        table += &format!("{:010} 00000 n \n", out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = out.len();
    out.extend(
        format!(
            "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R /Info {count} 0 R >>\nstartxref\n{start}\n%%EOF\n",
            size = count + 1
        )
        .bytes(),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_has_a_field_for_each_signer() {
        for signers in 1..=6 {
            let (pdf, fields) = contract(signers).unwrap();
            let document = lopdf::Document::load_mem(&pdf).unwrap();
            let pages = i64::try_from(document.get_pages().len()).unwrap();
            assert!((2..=4).contains(&pages));
            assert_eq!(fields.len(), signers);
            for field in fields.iter().flatten() {
                assert!(field.page == pages && field.y + field.height < HEIGHT - 60.0);
            }
            let text = document.extract_text(&[1]).unwrap();
            assert!(text.contains("A garden pavilion of larch"), "{text}");
        }
    }

    #[test]
    fn lines_fit() {
        for (_, paragraphs) in CLAUSES {
            for line in paragraphs.iter().flat_map(|text| wrap(text, 10.5, 400.0)) {
                assert!(width(&line, 10.5) <= 400.0, "{line}");
            }
        }
    }
}
