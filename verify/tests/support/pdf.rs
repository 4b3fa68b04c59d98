//! Small PDFs, written as text.

/// How the page draws the magic number.
#[derive(Clone, Copy)]
pub enum Way {
    /// With a simple font.
    Plain,
    /// With glyph numbers of a font that maps them to letters, as subset fonts do.
    Glyphs,
    /// With glyph numbers of a font without such a map.
    Mute,
    /// In a form that the page draws.
    Form,
}

/// A signed PDF that shows this magic number for signer 1.
pub fn signed(magic: &str) -> Vec<u8> {
    [
        with(Way::Plain, &format!("{magic} (01)")),
        b"letsesign=true\n".to_vec(),
    ]
    .concat()
}

/// A PDF of one page with a text, without the trailer.
pub fn with(way: Way, shown: &str) -> Vec<u8> {
    let escaped = shown.replace('(', "\\(").replace(')', "\\)");
    let plain = format!("BT /F1 9 Tf 20 20 Td ({escaped}) Tj ET");
    let glyphs: String = shown
        .chars()
        .map(|letter| format!("{:04x}", u32::from(letter) + 3))
        .collect();
    let glyphs = format!("BT /F2 9 Tf 20 20 Td <{glyphs}> Tj ET");
    let content = match way {
        Way::Plain => plain.clone(),
        Way::Glyphs | Way::Mute => glyphs,
        Way::Form => "q /X1 Do Q".to_owned(),
    };
    let to_unicode = if matches!(way, Way::Mute) {
        ""
    } else {
        "/ToUnicode 7 0 R"
    };
    // The glyph number is the letter plus 3.
    let cmap = "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
        /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n\
        /CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n1 beginbfrange\n<0023> <0081> <0020>\n\
        endbfrange\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend";
    let stream = |dictionary: &str, content: &str| {
        format!(
            "<< {dictionary} /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        )
    };
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R /F2 6 0 R >> /XObject << /X1 8 0 R >> >> >>".to_owned(),
        stream("", &content),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>".to_owned(),
        format!("<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [9 0 R] {to_unicode} >>"),
        stream("", cmap),
        stream("/Type /XObject /Subtype /Form /BBox [0 0 300 300] /Resources << /Font << /F1 5 0 R >> /XObject << /X1 8 0 R >> >>", &format!("{plain} /X1 Do")),
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>".to_owned(),
    ];
    file(&objects)
}

/// A PDF whose page draws a form `width` times, which draws another one as often, and so on,
/// `depth` levels deep.
pub fn nested(depth: usize, width: usize) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /X 4 0 R >> >> >>"
            .to_owned(),
    ];
    let draws = "/X Do ".repeat(width);
    for level in 0..=depth {
        objects.push(format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {} 0 R >> >> \
             /Length {} >>\nstream\n{draws}\nendstream",
            level + 5,
            draws.len()
        ));
    }
    file(&objects)
}

/// A PDF of one page with this content, which may be compressed.
pub fn content(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut pdf = file(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << >> >>".to_owned(),
    ]);
    // The content is binary, so it comes in an incremental update (ISO 32000-1, section 7.5.6).
    let before = pdf.windows(9).rposition(|window| window == b"startxref");
    let number: String = pdf[before.unwrap() + 10..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .map(|byte| char::from(*byte))
        .collect();
    let place = pdf.len();
    let length = content.len();
    pdf.extend(format!("4 0 obj\n<< {dictionary} /Length {length} >>\nstream\n").into_bytes());
    pdf.extend(content);
    pdf.extend(b"\nendstream\nendobj\n");
    let start = pdf.len();
    pdf.extend(
        format!(
            "xref\n4 1\n{place:010} 00000 n \ntrailer << /Size 5 /Root 1 0 R /Prev {number} >>\n\
             startxref\n{start}\n%%EOF\n"
        )
        .into_bytes(),
    );
    pdf
}

fn file(objects: &[String]) -> Vec<u8> {
    let mut pdf = "%PDF-1.7\n".to_owned();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(pdf.len());
        pdf += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let start = pdf.len();
    pdf += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for place in places {
        pdf += &format!("{place:010} 00000 n \n");
    }
    pdf += &format!(
        "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    pdf.into_bytes()
}
