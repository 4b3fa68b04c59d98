// DER (X.690) and certificates (RFC 5280), as far as a chain of ES384 certificates needs them.

const ECDSA_SHA384 = "06082a8648ce3d040303"; // RFC 5758, section 3.2; no parameters
const P384_KEY = "06072a8648ce3d020106052b81040022"; // id-ecPublicKey, secp384r1: RFC 5480
const KEY_USAGE = "0603551d0f";
const BASIC_CONSTRAINTS = "0603551d13";

class Der {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get more() {
    return this.at < this.bytes.length;
  }

  /** Next element: its tag, its contents, and all of its bytes. Lengths have one spelling. */
  next() {
    const start = this.at;
    const bytes = this.bytes;
    const short = () => refuse(say`a certificate cannot be read: it ends too early`);
    if (bytes.length - start < 2) short();
    const tag = bytes[start];
    if ((tag & 31) === 31) refuse(say`a certificate cannot be read: a tag of several bytes`);
    let length = bytes[start + 1];
    let at = start + 2;
    if (length >= 128) {
      const size = length - 128;
      if (size === 0 || size > 2) refuse(say`a certificate cannot be read: a length without end, or too large`);
      if (bytes.length - at < size) short();
      length = 0;
      for (let index = 0; index < size; index++) length = length * 256 + bytes[at++];
      if (length < 128 || (size === 2 && length < 256)) refuse(say`a certificate cannot be read: a length is not in DER`);
    }
    if (bytes.length - at < length) short();
    this.at = at + length;
    return { tag, contents: bytes.subarray(at, this.at), whole: bytes.subarray(start, this.at) };
  }

  expect(tag, what) {
    const element = this.next();
    if (element.tag !== tag) refuse(say`a certificate cannot be read: ${what} has another type`);
    return element;
  }

  /** The next element if it has this tag. */
  optional(tag) {
    return this.more && this.bytes[this.at] === tag ? this.next() : null;
  }

  end(what) {
    if (this.more) refuse(say`a certificate cannot be read: bytes behind ${what}`);
  }
}

/** UTCTime or GeneralizedTime, as RFC 5280 has them (section 4.1.2.5), in seconds since 1970. */
function derTime(element) {
  const text = String.fromCharCode(...element.contents);
  const parts = element.tag === 0x17
    ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
    : element.tag === 0x18 ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) : null;
  if (!parts) refuse(say`a certificate cannot be read: a time is malformed`);
  let [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  if (element.tag === 0x17) year += year < 50 ? 2000 : 1900;
  const time = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  // What is no date (a 31st of February) comes out as another one.
  const digits = parts.slice(2).join("");
  const again = new Date(time * 1000).toISOString().replace(/\D/g, "").slice(4, 14);
  if (again !== digits) refuse(say`a certificate cannot be read: a time is no date`);
  return time;
}

/** A boolean extension field or flag of DER: 0xff is true. */
function derTrue(element) {
  if (element.contents.length !== 1 || element.contents[0] !== 0xff) refuse(say`a certificate cannot be read: a boolean is malformed`);
  return true;
}

function extensions(list) {
  const found = { ca: false, pathLength: null, basicIsCritical: false, usage: null, unknownCritical: false };
  const seen = new Set();
  while (list.more) {
    const extension = new Der(list.expect(0x30, say`an extension`).contents);
    const id = hex(extension.expect(0x06, say`an extension's name`).whole);
    if (seen.has(id)) refuse(say`a certificate cannot be read: an extension is there twice`);
    seen.add(id);
    const flag = extension.optional(0x01);
    const critical = flag !== null && derTrue(flag);
    const value = new Der(extension.expect(0x04, say`an extension's value`).contents);
    extension.end(say`an extension`);
    if (id === BASIC_CONSTRAINTS) {
      const basic = new Der(value.expect(0x30, "basicConstraints").contents);
      const ca = basic.optional(0x01);
      found.ca = ca !== null && derTrue(ca);
      const limit = basic.optional(0x02);
      if (limit !== null) {
        if (limit.contents.length !== 1 || limit.contents[0] > 127) refuse(say`a certificate cannot be read: its pathLenConstraint`);
        found.pathLength = limit.contents[0];
      }
      basic.end("basicConstraints");
      value.end("basicConstraints");
      found.basicIsCritical = critical;
    } else if (id === KEY_USAGE) {
      const bits = value.expect(0x03, "keyUsage").contents;
      value.end("keyUsage");
      if (bits.length < 2) refuse(say`a certificate cannot be read: its keyUsage is empty`);
      found.usage = bits[1];
    } else if (critical) {
      found.unknownCritical = true;
    }
  }
  return found;
}

/** The fields of a certificate that its chain depends on. */
function parseCertificate(bytes) {
  const outer = new Der(bytes);
  const certificate = new Der(outer.expect(0x30, say`a certificate`).contents);
  outer.end(say`a certificate`);
  const body = certificate.expect(0x30, say`its body`);
  const algorithm = hex(certificate.expect(0x30, say`its algorithm`).contents);
  const signature = certificate.expect(0x03, say`its signature`).contents;
  certificate.end(say`its signature`);
  const fields = new Der(body.contents);
  const version = new Der(fields.expect(0xa0, say`its version`).contents);
  if (hex(version.expect(0x02, say`its version`).contents) !== "02") refuse(say`a certificate is not of version 3`);
  version.end(say`its version`);
  fields.expect(0x02, say`its serial number`);
  const inner = hex(fields.expect(0x30, say`its algorithm`).contents);
  if (algorithm !== ECDSA_SHA384 || inner !== ECDSA_SHA384) refuse(say`a certificate is not signed with ES384`);
  if (signature.length === 0 || signature[0] !== 0) refuse(say`a certificate cannot be read: its signature`);
  const issuer = fields.expect(0x30, say`its issuer`).whole;
  const validity = new Der(fields.expect(0x30, say`its validity`).contents);
  const [from, to] = [derTime(validity.next()), derTime(validity.next())];
  validity.end(say`its validity`);
  const subject = fields.expect(0x30, say`its subject`).whole;
  const spki = fields.expect(0x30, say`its key`);
  const key = new Der(spki.contents);
  if (hex(key.expect(0x30, say`its key's algorithm`).contents) !== P384_KEY) refuse(say`a certificate's key is not on the curve P-384`);
  // An uncompressed point: one key, one spelling.
  const point = key.expect(0x03, say`its key`).contents;
  key.end(say`its key`);
  if (point.length !== 98 || point[0] !== 0 || point[1] !== 4) refuse(say`a certificate's key is no uncompressed point of P-384`);
  fields.optional(0x81);
  fields.optional(0x82);
  const third = fields.optional(0xa3);
  if (third === null) refuse(say`a certificate has no extensions`);
  fields.end(say`its extensions`);
  const list = new Der(third.contents);
  const found = extensions(new Der(list.expect(0x30, say`its extensions`).contents));
  list.end(say`its extensions`);
  return { body: body.whole, signature: signature.subarray(1), issuer, subject, spki: spki.whole, from, to, ...found };
}

/** r and s, 48 bytes each, from ECDSA's DER form (RFC 3279, section 2.2.3), which WebCrypto does not take. */
function rawSignature(der) {
  const outer = new Der(der);
  const pair = new Der(outer.expect(0x30, say`a signature`).contents);
  outer.end(say`a signature`);
  const parts = [0, 1].map(() => {
    let number = pair.expect(0x02, say`a signature`).contents;
    if (number.length > 1 && number[0] === 0 && number[1] >= 128) number = number.subarray(1);
    else if (number.length === 0 || number[0] >= 128 || (number[0] === 0 && number.length > 1)) refuse(say`a signature is malformed`);
    if (number.length > 48) refuse(say`a signature is malformed`);
    return concat(new Uint8Array(48 - number.length), number);
  });
  pair.end(say`a signature`);
  return concat(...parts);
}
