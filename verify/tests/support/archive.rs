//! Builds zips byte by byte, so that tests can falsify each part.

/// One file. Header and directory line agree unless a member overrides one of them.
#[derive(Clone)]
pub struct File {
    pub name: Vec<u8>,
    /// Name in the header before the file, if it differs.
    pub header_name: Option<Vec<u8>>,
    pub data: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub extra: Vec<u8>,
    pub header_extra: Vec<u8>,
    pub comment: Vec<u8>,
    pub attributes: u32,
    pub size: u32,
    pub crc: u32,
    /// Size in the header, if it differs.
    pub header_size: Option<u32>,
    /// Bytes behind the compressed ones.
    pub behind: Vec<u8>,
    /// Offset that the directory states, if it differs.
    pub place: Option<u32>,
}

impl File {
    pub fn new(name: &str, data: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        Self {
            name: name.as_bytes().to_vec(),
            header_name: None,
            data: data.to_vec(),
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            method: 0,
            extra: Vec::new(),
            header_extra: Vec::new(),
            comment: Vec::new(),
            attributes: 0o100_644 << 16,
            size: data.len().try_into().unwrap(),
            crc: crc.sum(),
            header_size: None,
            behind: Vec::new(),
            place: None,
        }
    }

    /// The same file, compressed with Deflate.
    pub fn deflated(mut self) -> Self {
        use std::io::Write;
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&self.data).unwrap();
        self.data = encoder.finish().unwrap();
        self.method = 8;
        self
    }
}

/// A complete zip.
#[derive(Clone, Default)]
pub struct Zip {
    pub before: Vec<u8>,
    pub files: Vec<File>,
    /// Bytes between the files and the directory.
    pub between: Vec<u8>,
    pub comment: Vec<u8>,
    pub behind: Vec<u8>,
    /// Number of files that the end record states, if it differs.
    pub count: Option<u16>,
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_le_bytes()
}

fn place(bytes: &[u8]) -> u32 {
    bytes.len().try_into().unwrap()
}

impl Zip {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.before.clone();
        let mut directory = Vec::new();
        for file in &self.files {
            let start = file.place.unwrap_or_else(|| place(&out));
            let packed = place(&file.data);
            let common = |size: u32| {
                let mut head = Vec::new();
                head.extend(file.flags.to_le_bytes());
                head.extend(file.method.to_le_bytes());
                // 2023-11-14 22:13:20, in MS-DOS form.
                head.extend(0xb1aa_u16.to_le_bytes());
                head.extend(0x576e_u16.to_le_bytes());
                head.extend(file.crc.to_le_bytes());
                head.extend(packed.to_le_bytes());
                head.extend(size.to_le_bytes());
                head
            };
            let name = file.header_name.as_ref().unwrap_or(&file.name);
            out.extend(b"PK\x03\x04\x14\0");
            out.extend(common(file.header_size.unwrap_or(file.size)));
            out.extend(length(name));
            out.extend(length(&file.header_extra));
            out.extend(name);
            out.extend(&file.header_extra);
            out.extend(&file.data);
            out.extend(&file.behind);
            directory.extend(b"PK\x01\x02\x14\x03\x14\0");
            directory.extend(common(file.size));
            directory.extend(length(&file.name));
            directory.extend(length(&file.extra));
            directory.extend(length(&file.comment));
            directory.extend([0; 4]);
            directory.extend(file.attributes.to_le_bytes());
            directory.extend(start.to_le_bytes());
            directory.extend(&file.name);
            directory.extend(&file.extra);
            directory.extend(&file.comment);
        }
        out.extend(&self.between);
        let start = place(&out);
        out.extend(&directory);
        let count = self.count.unwrap_or(self.files.len().try_into().unwrap());
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(count.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(place(&directory).to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend(length(&self.comment));
        out.extend(&self.comment);
        out.extend(&self.behind);
        out
    }
}
