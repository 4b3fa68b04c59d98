// What the enclave derives and reads: a verifier and an independent implementation need it.

import { check, ecdsaVerify, expand, extract, list, scalar, sha256 } from "./crypto.mjs";
import { object, one, read, text, time } from "./json.mjs";
import { hpkeOpen } from "./hpke.mjs";
import { signedText } from "./signer.mjs";

/** The private answer key of a request. */
export const answerKey = (root, binding, signer, round) =>
  scalar(root, "answer key", binding, signer, round);

/** The private link key of a request. */
export const linkKey = (launchSecret, root, binding, signer, round) =>
  scalar(extract(launchSecret, root), "link key", binding, signer, round);

export const launchId = (launchSecret) => expand(launchSecret, list("launch id"), 16);

const answer = (value, name) => {
  const action = value instanceof Map ? value.get("action") : undefined;
  const optional = { confirm: { pin: text(1, 16) }, decline: { reason: text(0, 1000) } };
  const actions = one("requestPin", "confirm", "decline");
  return object({ action: actions, at: time }, optional[action])(value, name);
};

/** The form in which the host carries the identifier of a PIN's verification. */
export function sealVerification(root, por, sid) {
  const key = expand(root, list("verification key", por), 32);
  return `${sid}.${expand(key, list("verification", sid), 32).toString("hex")}`;
}

/** The identifier in such a text. */
export function openVerification(root, por, sealed) {
  const sid = sealed.slice(0, Math.max(0, sealed.lastIndexOf(".")));
  check(sealVerification(root, por, sid) === sealed, "not the verification of this request");
  return sid;
}

/** The answer, its hash for proofs, and its bytes. */
export function openAnswer({ answerKey: key, linkKey: point, por }, sealed) {
  check(sealed.length <= 16_384, "an answer of more than 16,384 bytes");
  const opened = hpkeOpen(key, list("answer"), por, sealed);
  check(opened.length >= 64, "too short for a signature");
  const json = opened.subarray(64);
  ecdsaVerify(point, signedText(por, json), opened.subarray(0, 64));
  return { ...read(json, 16_384, answer), hash: sha256(opened), text: json };
}
