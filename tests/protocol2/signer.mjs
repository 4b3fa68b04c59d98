// The signer's page ("The link", "The answer").

import { check, ecdsaSign, list, publicKey, publicOf } from "./crypto.mjs";
import { compact, encoded, flag, hash, object, one, parse, text, time, whole } from "./json.mjs";
import { hpkeSeal } from "./hpke.mjs";

const MARK = "#letsesign2=";
const NAMES = [
  "protocol", "task", "binding", "signer", "round", "por", "expiry", "key", "publicKey",
  "answerKey", "domain", "fileName", "locale", "pin",
];

const point = (value, name) => {
  const bytes = encoded("base64url", 65)(value, name);
  publicKey(bytes);
  return bytes;
};

const form = object({
  protocol: one(2),
  task: hash,
  binding: hash,
  signer: whole(0, 999),
  round: whole(1, 1_000_000),
  por: hash,
  expiry: time,
  key: encoded("base64url", 32),
  publicKey: point,
  answerKey: point,
  domain: text(1, 256),
  fileName: text(1, 256),
  locale: text(1, 256),
  pin: flag,
});

/** The link of these members. */
export function writeLink(page, members) {
  const ordered = Object.fromEntries(NAMES.map((name) => [name, members[name]]));
  return `${page}${MARK}${compact(ordered).toString("base64url")}`;
}

/** Page and members of a link. */
export function readLink(link) {
  const at = link.indexOf("#");
  check(at >= 0 && link.startsWith(MARK, at), "not a link of protocol 2");
  const json = encoded("base64url")(link.slice(at + MARK.length), "the fragment");
  const members = form(parse(json));
  check(publicOf(members.key).equals(members.publicKey), "the keys are not a pair");
  return { page: link.slice(0, at), ...members };
}

/** What is signed. */
export const signedText = (por, answer) => list("answer", por, answer);

/**
 * An answer. `key` is the private link key, `por` the PoR's hash, `answer` the JSON's bytes.
 * `ephemeral` and `signature` are fixed in vectors alone.
 */
export function makeAnswer({ key, answerKey, por }, answer, { ephemeral, signature } = {}) {
  const signed = signature ?? ecdsaSign(key, signedText(por, answer));
  return hpkeSeal(answerKey, list("answer"), por, Buffer.concat([signed, answer]), ephemeral);
}
