//! Stamps a file, for a look at the result:
//! `cargo run -p letsesign-stamp --example stamp -- IN.pdf OUT.pdf [NAME]`.

use letsesign_stamp::{Field, FieldKind, Fonts, Language, Mark, Output, Signer, Template};
use std::error::Error;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: stamp IN.pdf OUT.pdf [NAME]".into());
    };
    let name = arguments.next().unwrap_or_else(|| "Jane Doe".to_owned());
    let [script, mono, cjk] = letsesign_tests::fonts()?;
    let fonts = Fonts::new(script, mono, cjk)?;
    let field = |kind, x, y, height| Field {
        kind,
        page: 1,
        x,
        y,
        height,
    };
    let magic_number = "0123456789abcdef".repeat(4);
    let signed = [
        field(FieldKind::Signature, 60.0, 60.0, 80.0),
        field(FieldKind::Date, 160.0, 150.0, 12.0),
    ];
    let pending = [field(FieldKind::Signature, 60.0, 200.0, 40.0)];
    let hint = [field(FieldKind::Signature, 60.0, 270.0, 40.0)];
    let signers = [
        Signer {
            number: 1,
            name: &name,
            fields: &signed,
            what: Mark::Signed {
                magic_number: &magic_number,
                date: "2026/11/25 (UTC)",
            },
        },
        Signer {
            number: 2,
            name: &name,
            fields: &pending,
            what: Mark::Pending,
        },
        Signer {
            number: 3,
            name: &name,
            fields: &hint,
            what: Mark::Hint(Language::English),
        },
        Signer {
            number: 4,
            name: &name,
            fields: &[field(FieldKind::Signature, 260.0, 270.0, 40.0)],
            what: Mark::Hint(Language::Chinese),
        },
    ];
    let pdf = fs::read(input)?;
    let output_form = match env::var("STAMP_PASSWORD") {
        Ok(_) => Output::Protected { password: "secret" },
        Err(_) => Output::Signed,
    };
    fs::write(
        output,
        Template::open(&pdf)?.stamp(&fonts, &signers, output_form)?,
    )?;
    Ok(())
}
