// The archive that signers get: exactly NAME.pdf and NAME.spf, in the one form that every program reads alike. The rules and
// the reasons are those of verify/src/proof/archive.rs; docs/verify.md, "The zip", has them. Nothing of it is trusted; what it
// holds is verified like files of their own.

const PDF_MAX = 256 << 20;
const ZIP_FLAGS = 0x0807;
const ZIP_UTF8 = 0x0800;
/** Extra fields that change neither name nor size: Unix and NTFS times, Unix owners, AES. */
const ZIP_EXTRAS = [0x5455, 0x7875, 0x000a, 0x9901];

/** The form, and nothing unpacked. @returns the two files: {name, encrypted, deflated, crc, size, data} */
function parseZip(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const must = (good, problem) => good || refuse(say`the zip file: ${problem}`);
  const within = (at, length) => must(at >= 0 && at + length <= bytes.length, say`it is cut short`);
  const u16 = (at) => (within(at, 2), view.getUint16(at, true));
  const u32 = (at) => (within(at, 4), view.getUint32(at, true));
  const take = (at, length) => (within(at, length), bytes.subarray(at, at + length));
  const place = (at) => {
    const number = u32(at);
    must(number !== 0xffffffff, say`it is a Zip64, and ours are not`);
    return number;
  };
  const extras = (at, length) => {
    take(at, length);
    let aes = false;
    for (const end = at + length; at < end; ) {
      must(at + 4 <= end, say`it is cut short`);
      const [kind, size] = [u16(at), u16(at + 2)];
      must(ZIP_EXTRAS.includes(kind), say`a file has an extra field that ours have not`);
      must(at + 4 + size <= end, say`it is cut short`);
      if (kind === 0x9901) aes = true;
      at += 4 + size;
    }
    return aes;
  };
  const file = (at, next, limit) => {
    must(u32(at) === 0x02014b50, say`its directory is damaged`);
    const [flags, method] = [u16(at + 8), u16(at + 10)];
    const [packed, size] = [place(at + 20), place(at + 24)];
    const [nameLength, extraLength] = [u16(at + 28), u16(at + 30)];
    must(u16(at + 32) === 0, say`a file has a comment`);
    must(u16(at + 34) === 0, say`it is a part of several`);
    const attributes = u32(at + 38);
    const kind = (attributes >>> 16) & 0o170000;
    must((attributes & 0x18) === 0 && (kind === 0 || kind === 0o100000), say`it holds something else than files`);
    must(place(at + 42) === next, say`its files do not follow one another from its start on`);
    const rawName = take(at + 46, nameLength);
    const aes = extras(at + 46 + nameLength, extraLength);

    must(u32(next) === 0x04034b50, say`the header of a file is damaged`);
    const same = equal(take(next + 6, 22), take(at + 8, 22)) && equal(take(next + 30, nameLength), rawName);
    must(same, say`its directory and the header of a file differ`);
    const headerExtra = u16(next + 28);
    must(extras(next + 30 + nameLength, headerExtra) === aes, say`its directory and the header of a file differ`);

    must((flags & ~ZIP_FLAGS) === 0, say`a file has a flag that ours have not`);
    const encrypted = (flags & 1) !== 0;
    must(((method === 0 || method === 8) && !aes) || (method === 99 && aes && encrypted), say`a file is packed in a way that ours are not`);
    let name;
    try {
      name = fromUtf8(rawName, say`a name`);
    } catch {
      must(false, say`the name of a file is no UTF-8`);
    }
    must(rawName.every((byte) => byte < 0x80) || (flags & ZIP_UTF8) !== 0, say`the name of a file does not say that it is UTF-8`);
    const start = next + 30 + nameLength + headerExtra;
    must(start + packed <= limit, say`a file is cut short`);
    const data = bytes.subarray(start, start + packed);
    return { name, encrypted, deflated: method === 8, crc: u32(at + 16), size, data, end: start + packed, line: 46 + nameLength + extraLength };
  };

  const end = bytes.length - 22;
  must(end >= 0, say`it has no directory`);
  must(u32(end) === 0x06054b50, say`it has no directory at its very end, where no comment may be`);
  must(u16(end + 20) === 0, say`it has a comment`);
  must(u32(end + 4) === 0, say`it is a part of several`);
  const all = u16(end + 10);
  must(u16(end + 8) === 2 && all === 2, say`it holds ${all} files, not NAME.pdf and NAME.spf alone`);
  const [size, start] = [place(end + 12), place(end + 16)];
  must(start + size === end, say`its directory is not where it should be`);
  const first = file(start, 0, start);
  const second = file(start + first.line, first.end, start);
  must(start + first.line + second.line === end, say`its directory is not where it should be`);
  must(second.end === start, say`there are bytes between its parts`);
  for (const { name } of [first, second]) checkFileName(name, must);
  const [pdf, spf] = first.name.endsWith(".pdf") ? [first, second] : [second, first];
  const stem = pdf.name.slice(0, -4);
  must(pdf.name.endsWith(".pdf") && spf.name.endsWith(".spf") && spf.name.slice(0, -4) === stem, say`its files are not NAME.pdf and NAME.spf of one NAME`);
  checkStem(stem, must);
  return { pdf, spf };
}

/** Characters that no file system of Windows, macOS and Linux reads otherwise, and that show what they are. */
function checkFileName(name, must) {
  must(new TextEncoder().encode(name).length <= 255, say`the name of a file has more than 255 bytes`);
  const bad = /[\p{Cc}/\\:<>"|?*\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/u;
  must(!bad.test(name), say`the name of a file has a character that systems read differently`);
}

function checkStem(stem, must) {
  must(/^[^.\p{White_Space}](?:.*[^.\p{White_Space}])?$/su.test(stem), say`the name of a file starts or ends with a dot or a blank`);
  const base = stem.split(".")[0].replace(/\p{White_Space}+$/u, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
  must(!/^(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])$/.test(base), say`the name of a file is that of a device`);
}

/** @returns {Promise<Map<string, Uint8Array>>} Names and contents, the PDF first. */
async function unzip(bytes) {
  const { pdf, spf } = parseZip(bytes);
  if (pdf.encrypted || spf.encrypted) refuse(say`the zip file: it is encrypted; unpack it with its password and choose the two files in it`);
  const files = new Map();
  for (const [entry, limit] of [[pdf, PDF_MAX], [spf, SPF_MAX]]) {
    const fail = () => refuse(say`the zip file: ${entry.name} is damaged`);
    if (entry.size > limit) refuse(say`the zip file: ${entry.name} has more than ${limit} bytes, and none of ours does`);
    const contents = entry.deflated ? await inflate(entry.data, entry.size, fail) : entry.data;
    if (contents.length !== entry.size || crc32(contents) !== entry.crc) fail();
    files.set(entry.name, contents);
  }
  return files;
}

/** Deflate, never more than was announced, and nothing behind it. */
async function inflate(bytes, size, fail) {
  const contents = await inflateTo(bytes, size);
  // Not every engine minds bytes behind the end of Deflate's data; where the last one is not needed, there are some.
  if (contents === null || (await inflateTo(bytes.subarray(0, -1), size)) !== null) fail();
  return contents;
}

async function inflateTo(bytes, size) {
  const out = new Uint8Array(size);
  let at = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return out.subarray(0, at);
      out.set(value, at);
      at += value.length;
    }
  } catch {
    return null;
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  for (let bit = 0; bit < 8; bit++) index = index & 1 ? (index >>> 1) ^ 0xedb88320 : index >>> 1;
  return index >>> 0;
});

/** The CRC of zip files (ISO 3309). */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}
