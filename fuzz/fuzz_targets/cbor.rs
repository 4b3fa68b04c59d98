//! Arbitrary bytes as CBOR. What the strict reader accepts is, byte for byte, what the writer makes
//! of it; lenient rules accept all of that and more.
#![no_main]

use letsesign_cbor::{Decoder, Encoder, Kind, Result, Rules, check};
use libfuzzer_sys::fuzz_target;

const LENIENT: Rules =
    Rules::DETERMINISTIC.long_heads().long_floats().indefinite_lists().any_order();

/// Reads one item with the functions for its type, and writes it. `skip` goes first: it bounds the
/// recursion.
fn copy(decoder: &mut Decoder<'_>, encoder: &mut Encoder) -> Result<()> {
    decoder.clone().skip()?;
    match decoder.kind()? {
        Kind::Unsigned => _ = encoder.unsigned(decoder.unsigned()?),
        Kind::Negative => {
            let item = decoder.clone().item()?;
            match i64::try_from(decoder.integer()?) {
                Ok(value) => _ = encoder.integer(value),
                Err(_) => _ = encoder.raw(item),
            }
        }
        Kind::Bytes => _ = encoder.bytes(decoder.bytes()?),
        Kind::Text => _ = encoder.text(decoder.text()?),
        Kind::Array => {
            let mut items = decoder.array()?;
            encoder.array(items.left().unwrap_or_default());
            while decoder.more(&mut items)? {
                copy(decoder, encoder)?;
            }
        }
        Kind::Map => {
            let mut entries = decoder.map()?;
            encoder.map_head(entries.left().unwrap_or_default());
            while decoder.more(&mut entries)? {
                copy(decoder, encoder)?;
                copy(decoder, encoder)?;
            }
        }
        Kind::Tag => {
            encoder.tag(decoder.tag()?.unwrap());
            copy(decoder, encoder)?;
        }
        Kind::Bool => _ = encoder.bool(decoder.bool()?),
        Kind::Null => {
            assert!(decoder.null()?);
            encoder.null();
        }
        Kind::Float16 | Kind::Float32 | Kind::Float64 => _ = encoder.float(decoder.float()?),
        Kind::Simple => _ = encoder.raw(decoder.item()?),
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let mut encoder = Encoder::new();
    let mut decoder = Decoder::new(bytes);
    let copied = copy(&mut decoder, &mut encoder).and_then(|()| decoder.end());
    assert_eq!(copied, check(bytes));
    let mut lenient = Decoder::with_rules(bytes, LENIENT);
    let mut reader = lenient.clone();
    let skipped = lenient.skip();
    assert_eq!(copy(&mut reader, &mut Encoder::new()), skipped);
    if copied.is_ok() {
        assert_eq!(encoder.to_bytes(), bytes);
        assert_eq!((skipped, lenient.end()), (Ok(()), Ok(())));
    }
});
