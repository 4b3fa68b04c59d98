//! The filters `LZWDecode` and `RunLengthDecode` (ISO 32000-1, 7.4.4 and 7.4.5).

const CLEAR: u16 = 256;
const END: u16 = 257;
/// The number of codes: they have at most 12 bits.
const CODES: usize = 4096;

/// The output of a filter.
pub(crate) struct Given {
    pub(crate) data: Vec<u8>,
    /// Whether the end-of-data marker was found.
    pub(crate) whole: bool,
    /// Number of encoded bytes that were read, marker included.
    pub(crate) read: usize,
}

/// Decodes LZW, up to `limit` bytes and a few more. With `early`, codes get longer one code early:
/// the default unless `EarlyChange` is 0.
pub(crate) fn lzw(input: &[u8], early: bool, limit: usize) -> Given {
    let mut out = Vec::with_capacity(input.len().saturating_mul(2).min(limit).min(1 << 16));
    // A string is an earlier one and one more byte.
    let mut strings: Vec<(u16, u8)> = Vec::with_capacity(CODES);
    let mut previous: Option<u16> = None;
    let (mut bits, mut held, mut read) = (0_u32, 0_u32, 0_usize);
    let mut one = Vec::new();
    let mut whole = false;
    loop {
        let next = strings.len() + 258 + usize::from(early);
        let width = match next {
            0..=511 => 9,
            512..=1023 => 10,
            1024..=2047 => 11,
            _ => 12,
        };
        while held < width {
            let Some(byte) = input.get(read) else {
                return Given {
                    data: out,
                    whole,
                    read,
                };
            };
            bits = bits << 8 | u32::from(*byte);
            held += 8;
            read += 1;
        }
        held -= width;
        let code = u16::try_from(bits >> held & ((1 << width) - 1)).unwrap_or(END);
        bits &= (1 << held) - 1;
        match code {
            CLEAR => {
                strings.clear();
                previous = None;
                continue;
            }
            END => {
                whole = true;
                return Given {
                    data: out,
                    whole,
                    read,
                };
            }
            _ => {}
        }
        let known = usize::from(code) < strings.len() + 258;
        one.clear();
        let Some(start) = (if known { Some(code) } else { previous }) else {
            return Given {
                data: out,
                whole,
                read,
            };
        };
        let mut at = start;
        while at > END {
            let Some((before, byte)) = strings.get(usize::from(at) - 258) else {
                break;
            };
            one.push(*byte);
            at = *before;
        }
        let first = u8::try_from(at).unwrap_or(0);
        one.push(first);
        one.reverse();
        if !known {
            // This code adds the string that it refers to: the previous string and its own first
            // byte.
            if usize::from(code) != strings.len() + 258 {
                return Given {
                    data: out,
                    whole,
                    read,
                };
            }
            one.push(first);
        }
        out.extend_from_slice(&one);
        if out.len() > limit {
            return Given {
                data: out,
                whole,
                read,
            };
        }
        if let Some(previous) = previous
            && strings.len() + 258 < CODES
        {
            strings.push((previous, first));
        }
        previous = Some(code);
    }
}

/// Decodes run lengths, up to `limit` bytes and a few more.
pub(crate) fn run_length(input: &[u8], limit: usize) -> Given {
    let mut data = Vec::new();
    let mut read = 0;
    let mut whole = false;
    while let Some(length) = input.get(read).copied() {
        read += 1;
        if length == 128 {
            whole = true;
            break;
        }
        if length < 128 {
            let end = read
                .saturating_add(usize::from(length) + 1)
                .min(input.len());
            data.extend_from_slice(input.get(read..end).unwrap_or_default());
            read = end;
        } else if let Some(byte) = input.get(read) {
            let count = 257 - usize::from(length);
            data.resize(data.len() + count, *byte);
            read += 1;
        }
        if data.len() > limit {
            break;
        }
    }
    Given { data, whole, read }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example() {
        // 7.4.4.2, EXAMPLE 2.
        let input = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        let given = lzw(&input, true, 100);
        assert_eq!(given.data, [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
        assert!(given.whole && given.read == input.len());
    }

    #[test]
    fn truncated_data_and_bombs_end() {
        let input = [0x80, 0x0b, 0x60, 0x50, 0x22];
        let given = lzw(&input, true, 100);
        assert!(!given.whole && given.data.starts_with(&[45, 45, 45]));
        assert!(!lzw(&[0xff; 9], true, 100).whole);
        let bomb: Vec<u8> = [129, 0].repeat(100_000);
        assert!(run_length(&bomb, 1000).data.len() < 1200);
    }

    #[test]
    fn runs() {
        let given = run_length(&[2, 1, 2, 3, 254, 9, 128, 7], 100);
        assert_eq!(given.data, [1, 2, 3, 9, 9, 9]);
        assert!(given.whole && given.read == 7);
        assert!(!run_length(&[5, 1], 100).whole);
    }
}
