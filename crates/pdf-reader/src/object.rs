//! PDF objects (ISO 32000-1, 7.3) and their serialization.

/// The most digits of a written number. A double has 17 significant ones; the rest of a longer
/// number is beyond them.
const MAX_DIGITS: usize = 48;

/// A direct object, or a reference. Numbers that are not integers keep their text, so that copying
/// a dictionary does not change its values.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// The null object.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A real number as it is written.
    Real(Vec<u8>),
    /// Without the slash, with `#xx` decoded.
    Name(Vec<u8>),
    /// Decrypted if the file is encrypted.
    String(Vec<u8>),
    /// An array.
    Array(Vec<Object>),
    /// A dictionary.
    Dict(Dict),
    /// A reference: number and generation.
    Ref(u32, u16),
}

/// A dictionary in the order of the file. Of duplicate keys, the last one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict(pub Vec<(Vec<u8>, Object)>);

impl Dict {
    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&Object> {
        self.0
            .iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Replaces the value of a key, or adds it.
    pub fn set(&mut self, key: &[u8], value: Object) {
        self.remove(key);
        self.0.push((key.to_vec(), value));
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &[u8]) {
        self.0.retain(|(name, _)| name != key);
    }

    /// The dictionary with one entry more.
    #[must_use]
    pub fn with(mut self, key: &str, value: Object) -> Self {
        self.0.push((key.as_bytes().to_vec(), value));
        self
    }

    /// Whether the value of `key` is this name.
    pub fn is(&self, key: &[u8], name: &[u8]) -> bool {
        self.get(key).and_then(Object::name) == Some(name)
    }
}

impl Object {
    /// A name.
    pub fn named(name: &str) -> Self {
        Self::Name(name.as_bytes().to_vec())
    }

    /// A number with at most four decimals.
    pub fn number(value: f64) -> Self {
        Self::Real(decimal(value).into_bytes())
    }

    /// An integer; beyond the range of `i64` the largest one.
    pub fn int(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// The bytes of a name, decoded.
    pub fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The value of an integer, or the whole part of a real number.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Real(_) => {
                let value = self.as_number()?;
                #[expect(clippy::cast_possible_truncation, reason = "checked to be small")]
                (value.abs() < 1e15).then_some(value as i64)
            }
            _ => None,
        }
    }

    /// The value as a finite number.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "lengths on a page")]
            Self::Int(value) => Some(*value as f64),
            Self::Real(text) => std::str::from_utf8(text)
                .ok()?
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite()),
            _ => None,
        }
    }

    /// The entries of a dictionary.
    pub fn dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn array(&self) -> Option<&[Object]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The number of values in this one, itself included.
    pub fn values(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::values).sum::<usize>(),
            Self::Dict(dict) => {
                1 + dict
                    .0
                    .iter()
                    .map(|(_, value)| value.values())
                    .sum::<usize>()
            }
            _ => 1,
        }
    }

    /// The bytes of a string, decoded.
    pub fn string(&self) -> Option<&[u8]> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Writes the object; `string` encodes the bytes of a string as the file needs them (encrypted
    /// or unchanged).
    pub fn write(&self, out: &mut Vec<u8>, string: &mut dyn FnMut(&[u8]) -> Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
            // Readers have room for this many digits, and drop an object with more.
            Self::Real(text) => out.extend_from_slice(text.get(..MAX_DIGITS).unwrap_or(text)),
            Self::Name(name) => write_name(name, out),
            Self::String(text) => write_string(&string(text), out),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    item.write(out, string);
                }
                out.push(b']');
            }
            Self::Dict(dict) => dict.write(out, string),
            Self::Ref(number, generation) => {
                out.extend_from_slice(format!("{number} {generation} R").as_bytes());
            }
        }
    }
}

impl Dict {
    /// Writes the dictionary; `string` is as for [`Object::write`].
    pub fn write(&self, out: &mut Vec<u8>, string: &mut dyn FnMut(&[u8]) -> Vec<u8>) {
        // The value of a signature is never encrypted (7.6.2): ByteRange excludes its bytes.
        let signature = self.get(b"ByteRange").is_some();
        out.extend_from_slice(b"<<");
        for (key, value) in &self.0 {
            write_name(key, out);
            out.push(b' ');
            if signature && key == b"Contents" {
                value.write(out, &mut |text| text.to_vec());
            } else {
                value.write(out, string);
            }
        }
        out.extend_from_slice(b">>");
    }
}

fn write_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for byte in name {
        if byte.is_ascii_graphic() && !b"()<>[]{}/%#".contains(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("#{byte:02x}").as_bytes());
        }
    }
}

fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    write_hex(text, out);
    out.push(b'>');
}

/// Writes bytes in hexadecimal digits.
pub fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(if digit < 10 {
                b'0' + digit
            } else {
                b'a' + digit - 10
            });
        }
    }
}

/// Formats a number for PDF: no exponent, at most four decimals, no trailing zeros.
pub fn decimal(value: f64) -> String {
    let mut text = format!("{value:.4}");
    if text.contains('.') {
        let length = text.trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(length);
    }
    if text == "-0" {
        text.remove(0);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-0.000_01, "0"),
            (10.0, "10"),
            (100.25, "100.25"),
            (-1.5, "-1.5"),
            (0.333_333, "0.3333"),
        ] {
            assert_eq!(decimal(value), text);
        }
    }

    #[test]
    fn names_and_strings_are_escaped() {
        let dict = Dict::default()
            .with("A B#", Object::String(b"(\x00".to_vec()))
            .with(
                "C",
                Object::Array(vec![Object::Int(1), Object::Ref(2, 0), Object::Null]),
            );
        let mut out = Vec::new();
        dict.write(&mut out, &mut |text| text.to_vec());
        assert_eq!(out, b"<</A#20B#23 <2800>/C [1 2 0 R null]>>");
    }
}
