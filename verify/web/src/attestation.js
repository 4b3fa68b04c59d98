// Attestation documents of AWS Nitro enclaves: docs/attestation-verification.md has the rules, by these numbers.

const DOCUMENT_MAX = 16384;
const CERTIFICATES_MAX = 16;
const FIELD_MAX = 1024;
/** Nine are known. */
const MEMBERS_MAX = 64;
/** How far a document's clock may be ahead of this machine's. */
const AHEAD_MAX = 300;

/** Rules 1 and 2: the form. Nothing is believed yet. */
function parseDocument(bytes) {
  if (bytes.length > DOCUMENT_MAX) refuse(say`the attestation document is too long`);
  const outer = new Cbor(bytes, say`the attestation document`);
  if (outer.peek() >> 5 === 6 && outer.expect(6, say`the tag`) !== 18) outer.fail(say`its tag is not 18 (COSE_Sign1)`);
  if (outer.count(4, "COSE_Sign1", 1) !== 4) outer.fail(say`it has not 4 parts`);
  const protectedHeader = outer.byteString(say`the protected header`);
  if (hex(protectedHeader) !== "a1013822") outer.fail(say`its protected header is not {alg: ES384} alone`);
  if (outer.count(5, say`the unprotected header`, 2) !== 0) outer.fail(say`its unprotected header is not empty`);
  const payload = outer.byteString(say`the payload`);
  const signature = outer.byteString(say`the signature`);
  if (signature.length !== 96) outer.fail(say`its signature has not 96 bytes`);
  outer.end();
  return { protectedHeader, payload, signature, ...parsePayload(payload) };
}

function parsePayload(payload) {
  const reader = new Cbor(payload, say`the attestation document`);
  const members = new Map();
  const field = (name, least) => {
    const bytes = reader.byteString(name);
    if (bytes.length < least || bytes.length > FIELD_MAX) reader.fail(say`${name} is empty or has more than ${FIELD_MAX} bytes`);
    return bytes;
  };
  const orNull = (name, least) => {
    if (reader.peek() !== 0xf6) return field(name, least);
    reader.skip();
    return null;
  };
  const readers = {
    module_id: (name) => reader.text(name),
    digest: (name) => reader.text(name),
    timestamp: (name) => reader.expect(0, name),
    pcrs: () => parseRegisters(reader),
    certificate: (name) => field(name, 1),
    cabundle: (name) => {
      const bundle = [];
      reader.list(4, name, CERTIFICATES_MAX, () => bundle.push(field(say`a certificate`, 1)));
      if (bundle.length === 0) reader.fail(say`cabundle is empty`);
      return bundle;
    },
    public_key: (name) => orNull(name, 1),
    user_data: (name) => orNull(name, 0),
    nonce: (name) => orNull(name, 0),
  };
  reader.list(5, say`its payload`, MEMBERS_MAX, () => {
    const name = reader.text(say`a name`);
    if (members.has(name)) reader.fail(say`a member is there twice`);
    members.set(name, Object.hasOwn(readers, name) ? readers[name](name) : reader.skip());
  });
  reader.end();
  for (const name of ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"]) {
    if (!members.has(name)) reader.fail(say`${name} is missing`);
  }
  if (members.get("digest") !== "SHA384") reader.fail(say`its digest is not SHA384`);
  if (members.get("module_id") === "") reader.fail(say`module_id is empty`);
  if (members.get("timestamp") === 0) reader.fail(say`its time is 0`);
  return {
    moduleId: members.get("module_id"),
    /** Milliseconds since 1970. */
    time: members.get("timestamp"),
    registers: members.get("pcrs"),
    certificate: members.get("certificate"),
    bundle: members.get("cabundle"),
    userData: members.get("user_data") ?? null,
  };
}

function parseRegisters(reader) {
  const registers = new Map();
  reader.list(5, "pcrs", 32, () => {
    const number = reader.expect(0, say`a PCR's number`);
    const value = reader.byteString(say`a PCR`);
    if (number > 31 || value.length !== 48 || registers.has(number)) reader.fail(say`a PCR is there twice, is above 31 or has not 48 bytes`);
    registers.set(number, value);
  });
  if (registers.size === 0) reader.fail(say`it has no PCRs`);
  return registers;
}

/** Rules 3 and 4: from the pinned root down to the key that signed, at a time in seconds since 1970. */
async function leafKey(document, rootSha256, time) {
  const [root] = document.bundle;
  if ((await sha256(root)) !== rootSha256) refuse(say`its chain does not begin with the trusted root certificate`);
  const chain = [...document.bundle, document.certificate].map(parseCertificate);
  let key = null;
  for (const [index, certificate] of chain.entries()) {
    const place = say`certificate ${index + 1} of ${chain.length}`;
    const isLeaf = index + 1 === chain.length;
    if (time < certificate.from || time > certificate.to) {
      refuse(say`${place} is valid from ${utc(certificate.from)} to ${utc(certificate.to)}, not at ${utc(time)}`);
    }
    if (certificate.unknownCritical) refuse(say`${place} has a critical extension that is not understood`);
    if (certificate.usage === null) refuse(say`${place} has no keyUsage`);
    if (isLeaf) {
      if (certificate.ca) refuse(say`${place} is a CA, and must be none: it signed the document`);
      if ((certificate.usage & 0x80) === 0) refuse(say`${place} may not sign (keyUsage without digitalSignature)`);
      if ((certificate.usage & 0x04) !== 0) refuse(say`${place} may issue certificates, and must not: it signed the document`);
    } else {
      if (!certificate.ca || !certificate.basicIsCritical) refuse(say`${place} is no CA, and issued another certificate`);
      if (certificate.pathLength !== null && chain.length - index - 2 > certificate.pathLength) {
        refuse(say`${place} allows fewer certificates below it (pathLenConstraint)`);
      }
      if ((certificate.usage & 0x04) === 0) refuse(say`${place} may not issue certificates (keyUsage without keyCertSign)`);
    }
    // The root is known by its fingerprint; its signature says nothing more.
    if (index > 0) {
      const parent = chain[index - 1];
      if (!equal(certificate.issuer, parent.subject)) refuse(say`${place} names another issuer than the one before it`);
      if (!(await signedBy(key, rawSignature(certificate.signature), certificate.body))) {
        refuse(say`${place} was not signed by the one before it`);
      }
    }
    key = await importKey(certificate.spki, place);
  }
  return key;
}

async function importKey(spki, place) {
  try {
    return await crypto.subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: "P-384" }, false, ["verify"]);
  } catch {
    return refuse(say`${place} has a key that is no point of P-384`);
  }
}

function signedBy(key, signature, data) {
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-384" }, key, signature, data);
}

/** RFC 9052, section 4.4, over the bytes as received. */
function toBeSigned(document) {
  const byteString = (bytes) => {
    const head = bytes.length < 24 ? [0x40 | bytes.length]
      : bytes.length < 256 ? [0x58, bytes.length] : [0x59, bytes.length >> 8, bytes.length & 255];
    return concat(Uint8Array.from(head), bytes);
  };
  const context = new TextEncoder().encode("\x6aSignature1");
  return concat(Uint8Array.of(0x84), context, byteString(document.protectedHeader), byteString(new Uint8Array()), byteString(document.payload));
}

/**
 * Verifies a document at its own time (rule 5: a proof's time is the signing's; certificates live for hours).
 * Returns what it attests; whether its measurements are expected, the caller compares (rules 7, 8).
 */
async function verifyDocument(bytes, rootSha256, now) {
  const document = parseDocument(bytes);
  const time = Math.floor(document.time / 1000);
  if (time > now + AHEAD_MAX) refuse(say`it claims to be of ${utc(time)}, which is still to come by this machine's clock`);
  const key = await leafKey(document, rootSha256, time);
  if (!(await signedBy(key, document.signature, toBeSigned(document)))) refuse(say`its signature is wrong: it was changed, or made by somebody else`);
  const pcrs = [0, 1, 2].map((number) => {
    const value = document.registers.get(number);
    if (value === undefined) refuse(say`it has no PCR${number}`);
    // Rule 6.
    if (value.every((byte) => byte === 0)) refuse(say`PCR${number} is all zeros: the enclave ran in debug mode, where its operator reads its memory`);
    return hex(value);
  });
  return { moduleId: document.moduleId, time, pcrs, userData: document.userData };
}
