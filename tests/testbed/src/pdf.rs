//! PDFs for tests: some pages of text, and as many bytes as wanted.

/// A document of A4 pages, each with "Page n of m" and some lines of text, and at least so many
/// bytes: page 1 has a picture of noise, small on the page, that fills it up.
pub fn document(pages: usize, bytes: usize) -> Vec<u8> {
    let plain = write(pages, 0);
    if plain.len() >= bytes {
        return plain;
    }
    // The plain one has a picture of one row.
    write(pages, bytes - plain.len() + 256)
}

fn write(pages: usize, noise: usize) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = Vec::new();
    // 1 catalog, 2 page tree, 3 font, 4 picture; then a page and its content in turn.
    let kids: Vec<String> = (0..pages)
        .map(|page| format!("{} 0 R", 5 + 2 * page))
        .collect();
    objects.push(b"<< /Type /Catalog /Pages 2 0 R >>".to_vec());
    objects.push(
        format!(
            "<< /Type /Pages /Count {pages} /Kids [{}] >>",
            kids.join(" ")
        )
        .into(),
    );
    objects.push(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_vec(),
    );
    // Grey, 8 bits, 256 wide.
    let rows = noise.div_ceil(256).max(1);
    let picture = format!(
        "<< /Type /XObject /Subtype /Image /Width 256 /Height {rows} /ColorSpace /DeviceGray /BitsPerComponent 8"
    );
    objects.push(stream(&picture, &random(rows * 256)));
    for page in 1..=pages {
        let content = 4 + 2 * page;
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R \
                 /Resources << /Font << /F1 3 0 R >> /XObject << /P1 4 0 R >> >> >>"
            )
            .into(),
        );
        let mut text = String::from("BT /F1 18 Tf 72 790 Td (");
        text.push_str(&format!("Page {page} of {pages}) Tj /F1 10 Tf "));
        for line in 1..=20 {
            text.push_str(&format!(
                "0 -16 Td (Clause {page}.{line}: what was agreed upon is to be kept.) Tj "
            ));
        }
        text.push_str("ET\n");
        if page == 1 {
            text.push_str("q 40 0 0 40 500 760 cm /P1 Do Q\n");
        }
        objects.push(stream("<<", text.as_bytes()));
    }
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    let count = objects.len() + 1;
    out.extend(format!("xref\n0 {count}\n0000000000 65535 f \n").bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    out.extend(
        format!("trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes(),
    );
    out
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut out = format!("{dictionary} /Length {} >>\nstream\n", data.len()).into_bytes();
    out.extend(data);
    out.extend(b"\nendstream");
    out
}

/// Noise, always the same (xorshift64).
fn random(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut out = Vec::with_capacity(bytes + 8);
    while out.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend(state.to_le_bytes());
    }
    out.truncate(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_bytes_that_were_asked_for() {
        for (pages, bytes) in [(1, 0), (10, 1 << 20)] {
            let pdf = document(pages, bytes);
            assert!(
                (bytes..bytes + 20_000).contains(&pdf.len()),
                "{}",
                pdf.len()
            );
            // Every place in the cross-reference table is that of an object.
            let text = String::from_utf8_lossy(&pdf).into_owned();
            let table = text.split("65535 f \n").nth(1).unwrap();
            let mut number = 0;
            for line in table.lines().take_while(|line| line.ends_with("00000 n ")) {
                number += 1;
                let place: usize = line[..10].parse().unwrap();
                assert!(pdf[place..].starts_with(format!("{number} 0 obj").as_bytes()));
            }
            assert_eq!(number, 4 + 2 * pages);
        }
    }
}
