// The archive that signers get: NAME.pdf and NAME.spf. Nothing of it is trusted; what it holds is verified like files of their own.

const ENTRY_MAX = 100 << 20;

/** @returns {Promise<Map<string, Uint8Array>>} Names and contents. */
async function unzip(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const bad = (problem) => refuse(`the zip file: ${problem}`);
  let end = bytes.length - 22;
  while (end >= 0 && end > bytes.length - 22 - 65536 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) bad("it has no directory");
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count > 16) bad("it has more files than a proof's archive");
  const files = new Map();
  for (let left = count; left > 0; left--) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) bad("its directory is damaged");
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const nameLength = view.getUint16(at + 28, true);
    const start = view.getUint32(at + 42, true);
    if (at + 46 + nameLength > bytes.length) bad("its directory is damaged");
    const name = fromUtf8(bytes.subarray(at + 46, at + 46 + nameLength), "a name in the zip file");
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (flags & 1 || method === 99) bad("it is encrypted; unpack it with its password and choose the two files in it");
    if (size > ENTRY_MAX) bad(`${name} is too large`);
    if (start + 30 > bytes.length || view.getUint32(start, true) !== 0x04034b50) bad(`${name} is damaged`);
    const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    if (data + packed > bytes.length) bad(`${name} is cut short`);
    const contents = bytes.subarray(data, data + packed);
    if (method !== 0 && method !== 8) bad(`${name} is packed in a way that this page does not know`);
    const unpacked = method === 0 ? contents : await inflate(contents, size, () => bad(`${name} is damaged`));
    if (unpacked.length !== size) bad(`${name} is damaged`);
    if (files.has(name)) bad(`${name} is there twice`);
    files.set(name, unpacked);
  }
  return files;
}

/** Deflate, never more than was announced. */
async function inflate(bytes, size, fail) {
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
    return fail();
  }
}
