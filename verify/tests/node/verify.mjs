// A verifier that shares no code with this project: the way in which existing web verifiers check a proof (SHA-256 of the PDF and of
// JSON.stringify(spf.summary) against the attested hash list), with Node's crypto module and nothing else.
// Usage: node verify.mjs ROOT.der SIGNED.pdf PROOF.spf; prints what was attested as JSON, or fails with a reason.

import { createHash, verify, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

const [, , rootFile, pdfFile, spfFile] = process.argv;

function check(condition, reason) {
  if (!condition) throw new Error(reason);
}

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** CBOR to JavaScript: what an attestation document is made of. */
function decode(bytes) {
  let at = 0;
  const item = () => {
    const first = bytes[at++];
    let value = first & 31;
    if (value >= 24) {
      const size = 1 << (value - 24);
      value = Number(BigInt(`0x${bytes.subarray(at, at + size).toString("hex")}`));
      at += size;
    }
    const list = () => Array.from({ length: value }, item);
    switch (first >> 5) {
      case 0: return value;
      case 1: return -1 - value;
      case 2: at += value; return bytes.subarray(at - value, at);
      case 3: at += value; return bytes.toString("utf8", at - value, at);
      case 4: return list();
      case 5: return new Map(Array.from({ length: value }, () => [item(), item()]));
      case 6: return item();
      default: return null;
    }
  };
  const result = item();
  check(at === bytes.length, "bytes behind the document");
  return result;
}

const encodeBytes = (bytes) =>
  Buffer.concat([Buffer.from(bytes.length < 24 ? [0x40 + bytes.length] : bytes.length < 256 ? [0x58, bytes.length] : [0x59, bytes.length >> 8, bytes.length & 255]), bytes]);

try {
  const spf = JSON.parse(readFileSync(spfFile, "utf8"));
  const [protectedHeader, , payload, signature] = decode(Buffer.from(spf.attestDoc, "base64"));
  const document = decode(payload);
  check(decode(protectedHeader).get(1) === -35, "the algorithm is not ES384");
  const chain = [...document.get("cabundle"), document.get("certificate")].map((der) => new X509Certificate(der));
  check(chain[0].raw.equals(readFileSync(rootFile)), "another root");
  const time = document.get("timestamp");
  for (const [index, certificate] of chain.entries()) {
    const parent = chain[Math.max(0, index - 1)];
    check(certificate.verify(parent.publicKey) && certificate.checkIssued(parent), `certificate ${index} was not issued by the one before it`);
    check(Date.parse(certificate.validFrom) <= time && time <= Date.parse(certificate.validTo), `certificate ${index} was not valid then`);
    check(certificate.ca === index + 1 < chain.length, `certificate ${index} has the wrong role`);
  }
  const toBeSigned = Buffer.concat([Buffer.from("\x84\x6aSignature1", "latin1"), encodeBytes(protectedHeader), encodeBytes(Buffer.alloc(0)), encodeBytes(payload)]);
  check(verify("sha384", toBeSigned, { key: chain.at(-1).publicKey, dsaEncoding: "ieee-p1363" }, signature), "the signature is wrong");
  const attested = JSON.parse(document.get("user_data").toString("utf8"));
  const hash = (name) => attested.hashList.find((entry) => entry.name === name)?.hash;
  check(attested.fnName === "attachEsig", "another function");
  // Protocol 2 names the task in both; protocol 1 in neither.
  check(attested.protocol === spf.summary.protocol && attested.binding === spf.summary.binding, "another task or protocol");
  check(hash("esigPDF") === sha256(readFileSync(pdfFile)), "another PDF");
  check(hash("summary") === sha256(JSON.stringify(spf.summary)), "another summary");
  const pcrs = [0, 1, 2].map((number) => document.get("pcrs").get(number).toString("hex"));
  console.log(JSON.stringify({ time, pcrs, signers: spf.summary.signerList }));
} catch (problem) {
  console.error(problem.message);
  process.exitCode = 1;
}
