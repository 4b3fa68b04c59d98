//! The numbering plans of all countries, taken from the metadata in the crate `phonenumber`
//! (Google's libphonenumber) and written as a table of constants: the server gets the knowledge
//! without the regular expressions, which would cost it 2.5 MB of program and up to 25 MB of
//! memory.

use phonenumber::metadata::DATABASE;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::{env, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // By code: the plans of no country (+800...) share one name. Sorted: the table must not depend
    // on the order of a hash map.
    let mut codes: BTreeMap<u16, BTreeMap<String, String>> = BTreeMap::new();
    let regions = (1..1000)
        .filter_map(|code: u16| DATABASE.by_code(&code))
        .flatten();
    for region in regions {
        let all = region.descriptors();
        let general = pattern(all.general().national_number().as_str())?;
        let mut entry = String::new();
        write!(entry, "Plan {{ general: {general:?}, kinds: &[")?;
        // The kinds that `isValidNumber` of libphonenumber checks.
        let kinds = [
            all.fixed_line(),
            all.mobile(),
            all.toll_free(),
            all.premium_rate(),
            all.shared_cost(),
            all.personal_number(),
            all.voip(),
            all.pager(),
            all.uan(),
            all.voicemail(),
        ];
        for kind in kinds.into_iter().flatten() {
            let lengths = kind
                .possible_length()
                .iter()
                .try_fold(0_u32, |set, &length| {
                    1_u32.checked_shl(u32::from(length)).map(|bit| set | bit)
                })
                .ok_or("a length beyond 31")?;
            let digits = pattern(kind.national_number().as_str())?;
            write!(
                entry,
                "Kind {{ lengths: {lengths:#x}, digits: {digits:?} }}, "
            )?;
        }
        entry.push_str("] }");
        codes
            .entry(region.country_code())
            .or_default()
            .insert(region.id().to_owned(), entry);
    }
    let mut table = String::from("&[\n");
    for (code, regions) in codes {
        let regions: Vec<String> = regions.into_values().collect();
        writeln!(table, "({code}, &[{}]),", regions.join(", "))?;
    }
    table.push_str("]\n");
    let output = env::var("OUT_DIR")?;
    fs::write(Path::new(&output).join("plans.rs"), table)?;
    Ok(())
}

/// A pattern without its white space. Only what `src/pattern.rs` reads may be in it.
fn pattern(text: &str) -> Result<String, Box<dyn Error>> {
    let text: String = text.split_whitespace().collect();
    let rest = text.replace("(?:", "(").replace("\\d", "");
    let known = |character: char| character.is_ascii_digit() || "()[]{}|,-?".contains(character);
    match rest.chars().find(|&character| !known(character)) {
        Some(character) => Err(format!("unknown {character:?} in the pattern {text}").into()),
        None => Ok(text),
    }
}
