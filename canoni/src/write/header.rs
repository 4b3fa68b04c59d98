//! Tar headers of canonical form v1: ustar, with a PAX header before it where ustar does not
//! suffice. Every byte is fixed by docs/canonical-form-v1.md, section "Tar".

/// The fields of a header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    /// Path, directories without their slash.
    pub(super) path: &'a [u8],
    /// ustar type: `0` file, `1` hard link, `2` symbolic link, `3` character device, `4` block
    /// device, `5` directory, `6` pipe.
    pub(super) kind: u8,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) mtime: u64,
    pub(super) link: &'a [u8],
    pub(super) device: (u32, u32),
    pub(super) xattrs: &'a [(Vec<u8>, Vec<u8>)],
}

impl Header<'_> {
    pub(super) fn file(path: &[u8], size: u64, mtime: u64) -> Header<'_> {
        Header {
            path,
            kind: b'0',
            mode: 0o644,
            uid: 0,
            gid: 0,
            size,
            mtime,
            link: b"",
            device: (0, 0),
            xattrs: &[],
        }
    }
}

const NAME: usize = 100;
const ID_MAX: u32 = 0o777_7777;
const SIZE_MAX: u64 = 0o777_7777_7777;
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// Appends the header's blocks.
pub(super) fn encode(header: &Header<'_>, out: &mut Vec<u8>) {
    let mut path = header.path.to_vec();
    if header.kind == b'5' {
        path.push(b'/');
    }
    let records = records(header, &path);
    if !records.is_empty() {
        let size = records.len() as u64;
        let pax = Header {
            kind: b'x',
            mtime: 0,
            ..Header::file(PAX_NAME, size, 0)
        };
        block(&pax, PAX_NAME, out);
        out.extend_from_slice(&records);
        pad(size, out);
    }
    block(header, &path, out);
}

/// Zeros up to the next block after `size` bytes.
pub(super) fn pad(size: u64, out: &mut Vec<u8>) {
    out.resize(out.len() + padding(size), 0);
}

/// How many bytes follow content of this size.
pub(super) fn padding(size: u64) -> usize {
    usize::try_from(size.wrapping_neg() % 512).unwrap_or(0)
}

fn records(header: &Header<'_>, path: &[u8]) -> Vec<u8> {
    let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut add = |key: &[u8], value: Vec<u8>| records.push((key.to_vec(), value));
    for (name, value) in header.xattrs {
        add(&[b"SCHILY.xattr.", name.as_slice()].concat(), value.clone());
    }
    if header.gid > ID_MAX {
        add(b"gid", header.gid.to_string().into_bytes());
    }
    if header.uid > ID_MAX {
        add(b"uid", header.uid.to_string().into_bytes());
    }
    if header.size > SIZE_MAX {
        add(b"size", header.size.to_string().into_bytes());
    }
    let mut binary = false;
    for (key, value) in [(&b"linkpath"[..], header.link), (b"path", path)] {
        if value.len() > NAME {
            binary |= std::str::from_utf8(value).is_err();
            add(key, value.to_vec());
        }
    }
    if binary {
        add(b"hdrcharset", b"BINARY".to_vec());
    }
    records.sort();
    let mut text = Vec::new();
    for (key, value) in records {
        record(&key, &value, &mut text);
    }
    text
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts itself.
fn record(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn block(header: &Header<'_>, path: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let text = |field: &[u8], width: usize, out: &mut Vec<u8>| {
        let end = out.len() + width;
        out.extend(field.iter().take(width));
        out.resize(end, 0);
    };
    let octal = |number: u64, digits: usize, max: u64, out: &mut Vec<u8>| {
        // A value that does not fit is in the PAX header.
        let number = if number > max { 0 } else { number };
        out.extend_from_slice(format!("{number:0digits$o}\0").as_bytes());
    };
    text(path, NAME, out);
    octal(u64::from(header.mode & 0o7777), 7, SIZE_MAX, out);
    octal(u64::from(header.uid), 7, u64::from(ID_MAX), out);
    octal(u64::from(header.gid), 7, u64::from(ID_MAX), out);
    octal(header.size, 11, SIZE_MAX, out);
    octal(header.mtime, 11, SIZE_MAX, out);
    let checksum_at = out.len();
    out.extend_from_slice(b"        ");
    out.push(header.kind);
    text(header.link, NAME, out);
    out.extend_from_slice(b"ustar\x0000");
    out.resize(out.len() + 64, 0);
    octal(u64::from(header.device.0), 7, SIZE_MAX, out);
    octal(u64::from(header.device.1), 7, SIZE_MAX, out);
    out.resize(start + 512, 0);
    let sum: u32 = out.iter().skip(start).map(|&byte| u32::from(byte)).sum();
    for (slot, byte) in out
        .iter_mut()
        .skip(checksum_at)
        .zip(format!("{sum:06o}\0 ").bytes())
    {
        *slot = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_lengths_count_themselves() {
        for (value, length) in [
            (0, "5 "),
            (4, "9 "),
            (5, "11 "),
            (92, "98 "),
            (93, "99 "),
            (94, "101 "),
            (990, "997 "),
            (993, "1001 "),
        ] {
            let mut out = Vec::new();
            record(b"k", &vec![b'v'; value], &mut out);
            assert!(
                out.starts_with(length.as_bytes()),
                "{value}: {}",
                String::from_utf8_lossy(&out)
            );
            assert_eq!(out.len(), length.trim().parse::<usize>().unwrap());
        }
    }

    #[test]
    fn a_header_is_as_documented() {
        let mut out = Vec::new();
        encode(
            &Header {
                kind: b'5',
                mode: 0o1777,
                uid: 1,
                gid: 2,
                ..Header::file(b"a/b", 0, 8)
            },
            &mut out,
        );
        let mut expected = vec![0; 512];
        for (at, bytes) in [
            (0, &b"a/b/"[..]),
            (
                100,
                b"0001777\x000000001\x000000002\x0000000000000\x0000000000010\x00",
            ),
            (156, b"5"),
            (257, b"ustar\x0000"),
            (329, b"0000000\x000000000\x00"),
        ] {
            expected[at..at + bytes.len()].copy_from_slice(bytes);
        }
        let sum: u32 = expected.iter().map(|&b| u32::from(b)).sum::<u32>() + 8 * 32;
        expected[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert_eq!(out, expected);
    }

    #[test]
    fn what_does_not_fit_goes_into_sorted_records() {
        let long = [b"d/".as_slice(), &[b'x'; 120], b"\xff"].concat();
        let xattrs = [(b"user.b".to_vec(), b"\0\n=".to_vec())];
        let mut out = Vec::new();
        let header = Header {
            uid: 3_000_000,
            gid: 4_000_000_000,
            xattrs: &xattrs,
            ..Header::file(&long, 9 << 30, 0)
        };
        encode(&header, &mut out);
        assert_eq!(out.len(), 512 + 512 + 512);
        assert!(out.starts_with(b"././@PaxHeader\0"));
        let text = &out[512..1024];
        let mut expected =
            b"27 SCHILY.xattr.user.b=\0\n=\n18 gid=4000000000\n21 hdrcharset=BINARY\n133 path="
                .to_vec();
        expected.extend_from_slice(&long);
        expected.extend_from_slice(b"\n19 size=9663676416\n15 uid=3000000\n");
        assert_eq!(&text[..expected.len()], expected);
        assert_eq!(&out[1024..1124], &long[..100]);
    }
}
