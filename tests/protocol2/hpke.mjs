// HPKE (RFC 9180), base mode, one message: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

import { randomBytes } from "node:crypto";
import { agree, check, decrypt, encrypt, expand, extract, publicOf } from "./crypto.mjs";

const KEM = Buffer.from("KEM\x00\x10", "latin1");
const SUITE = Buffer.from("HPKE\x00\x10\x00\x01\x00\x02", "latin1");
const EMPTY = Buffer.alloc(0);

const labeledExtract = (suite, salt, label, secret) =>
  extract(salt, Buffer.concat([Buffer.from("HPKE-v1"), suite, Buffer.from(label), secret]));

function labeledExpand(suite, key, label, info, length) {
  const size = Buffer.from([length >> 8, length & 255]);
  const prefix = [size, Buffer.from("HPKE-v1"), suite, Buffer.from(label)];
  return expand(key, Buffer.concat([...prefix, info]), length);
}

/** ExtractAndExpand, RFC 9180, section 4.1. */
function sharedSecret(common, enc, receiver) {
  const key = labeledExtract(KEM, EMPTY, "eae_prk", common);
  return labeledExpand(KEM, key, "shared_secret", Buffer.concat([enc, receiver]), 32);
}

/** KeySchedule, RFC 9180, section 5.1, for mode_base: the key and nonce of the first message. */
function schedule(shared, info) {
  const idHash = labeledExtract(SUITE, EMPTY, "psk_id_hash", EMPTY);
  const infoHash = labeledExtract(SUITE, EMPTY, "info_hash", info);
  const context = Buffer.concat([Buffer.from([0]), idHash, infoHash]);
  const secret = labeledExtract(SUITE, shared, "secret", EMPTY);
  return {
    key: labeledExpand(SUITE, secret, "key", context, 32),
    nonce: labeledExpand(SUITE, secret, "base_nonce", context, 12),
  };
}

/** A private key that any 32 random bytes give with overwhelming probability. */
function freshKey() {
  for (;;) {
    const key = randomBytes(32);
    try {
      publicOf(key);
      return key;
    } catch {
      // One in 2^32 is not a scalar.
    }
  }
}

/** `enc || ciphertext || tag`. `ephemeral` is a private key, fixed in vectors alone. */
export function hpkeSeal(receiver, info, data, text, ephemeral = freshKey()) {
  const enc = publicOf(ephemeral);
  const { key, nonce } = schedule(sharedSecret(agree(ephemeral, receiver), enc, receiver), info);
  return Buffer.concat([enc, encrypt(key, nonce, data, text)]);
}

export function hpkeOpen(privateKey, info, data, sealed) {
  check(sealed.length >= 65 + 16, "too short for HPKE");
  const enc = sealed.subarray(0, 65);
  const shared = sharedSecret(agree(privateKey, enc), enc, publicOf(privateKey));
  const { key, nonce } = schedule(shared, info);
  return decrypt(key, nonce, data, sealed.subarray(65));
}
