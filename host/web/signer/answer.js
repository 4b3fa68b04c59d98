// A signer's answer (docs/protocol-2.md, "The answer"): signed with the key of the link, and
// encrypted for the enclave by HPKE (RFC 9180). All of it by the browser's own WebCrypto.

import { fromHex, toBase64url } from "./link.js";

const CURVE = { name: "ECDH", namedCurve: "P-256" };
const KEM_SUITE = bytes("KEM\x00\x10");
const HPKE_SUITE = bytes("HPKE\x00\x10\x00\x01\x00\x02");
const NONE = new Uint8Array(0);

function bytes(text) {
  return new TextEncoder().encode(text);
}

function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `list(label, values...)` of the protocol. */
function list(label, ...values) {
  const parts = [bytes("letsesign/2"), bytes(label), ...values];
  return concat(...parts.flatMap((part) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length);
    return [length, part];
  }));
}

async function hmac(key, ...texts) {
  // WebCrypto takes no empty key; a key of HMAC is filled with zeros anyway (RFC 2104).
  const raw = key.length === 0 ? new Uint8Array(32) : key;
  const imported = await crypto.subtle.importKey(
    "raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, concat(...texts)));
}

/** HKDF-Extract (RFC 5869). */
function labeledExtract(suite, salt, label, secret) {
  return hmac(salt, bytes("HPKE-v1"), suite, bytes(label), secret);
}

/** HKDF-Expand to at most 32 bytes: one block. */
async function labeledExpand(suite, key, label, info, length) {
  const head = new Uint8Array([0, length]);
  const text = concat(head, bytes("HPKE-v1"), suite, bytes(label), info, new Uint8Array([1]));
  return (await hmac(key, text)).slice(0, length);
}

/** Encrypts one message to a public key: `enc(65) || ciphertext || tag(16)`. */
export async function hpkeSeal(recipient, info, aad, text, ephemeral = null) {
  const pair = ephemeral ?? await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const theirs = await crypto.subtle.importKey("raw", recipient, CURVE, false, []);
  const shared = new Uint8Array(await crypto.subtle.deriveBits(
    { name: "ECDH", public: theirs }, pair.privateKey, 256));

  const prk = await labeledExtract(KEM_SUITE, NONE, "eae_prk", shared);
  const both = concat(enc, recipient);
  const secretOfKem = await labeledExpand(KEM_SUITE, prk, "shared_secret", both, 32);
  const context = concat(
    new Uint8Array([0]),
    await labeledExtract(HPKE_SUITE, NONE, "psk_id_hash", NONE),
    await labeledExtract(HPKE_SUITE, NONE, "info_hash", info),
  );
  const secret = await labeledExtract(HPKE_SUITE, secretOfKem, "secret", NONE);
  const key = await labeledExpand(HPKE_SUITE, secret, "key", context, 32);
  const nonce = await labeledExpand(HPKE_SUITE, secret, "base_nonce", context, 12);

  const cipher = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: aad }, cipher, text);
  return concat(enc, new Uint8Array(sealed));
}

/** The key that signs answers. A private key that is not the public key's is an error. */
function linkKey(link) {
  const point = link.publicKey;
  const jwk = {
    kty: "EC", crv: "P-256", d: toBase64url(link.key),
    x: toBase64url(point.slice(1, 33)), y: toBase64url(point.slice(33)),
  };
  return crypto.subtle.importKey(
    "jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
}

/** Whether a link's keys are keys: without WebCrypto, nothing can be said against them. */
export async function keysAreRight(link) {
  if (!globalThis.crypto?.subtle) return true;
  try {
    await linkKey(link);
    await crypto.subtle.importKey("raw", link.answerKey, CURVE, false, []);
    return true;
  } catch {
    return false;
  }
}

/** Signs by ECDSA with SHA-256: `r || s`. */
async function sign(link, text) {
  const key = await linkKey(link);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, text);
  return new Uint8Array(signature);
}

/**
 * Makes an answer.
 *
 * @param link what `readLink` gives
 * @param answer `{action: "requestPin"|"confirm"|"decline", at, pin?, reason?}`
 */
export async function sealAnswer(link, answer) {
  const por = fromHex(link.por);
  const text = bytes(JSON.stringify(answer));
  const signature = await sign(link, list("answer", por, text));
  return hpkeSeal(link.answerKey, list("answer"), por, concat(signature, text));
}
