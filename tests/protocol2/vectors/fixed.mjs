// What all vectors share: one sender's account and one task, with fixed random bytes.

import {
  expand, ORDER, publicOf, sealBox, sha256, slot, TAGS, toNumber,
} from "../crypto.mjs";
import { answerKey, linkKey } from "../enclave.mjs";
import { accountId, accountSlot, rootOf, sealTask } from "../sender.mjs";

const SEED = sha256("vectors of protocol 2");

/** Bytes that look random and follow from a name. */
export const fixed = (name, length = 32) => expand(SEED, Buffer.from(name), length);

export const hex = (bytes) => bytes.toString("hex");
export const base64 = (bytes) => Buffer.from(bytes).toString("base64");

/** ECDSA over SHA-256 with a nonce that follows from a name, so that files can be made again. */
export function fixedSign(privateKey, text, name = "nonce") {
  const nonce = fixed(`${name} ${hex(sha256(text))}`);
  const modulo = (value) => ((value % ORDER) + ORDER) % ORDER;
  const inverse = (value) => {
    let [low, high, x, y] = [modulo(value), ORDER, 1n, 0n];
    while (low > 1n) [low, high, x, y] = [high % low, low, y - (high / low) * x, x];
    return modulo(x);
  };
  const r = modulo(toNumber(publicOf(nonce).subarray(1, 33)));
  const sum = toNumber(sha256(text)) + r * toNumber(privateKey);
  const s = modulo(inverse(toNumber(nonce)) * modulo(sum));
  return Buffer.from([r, s].map((number) => number.toString(16).padStart(64, "0")).join(""), "hex");
}

export const accountKey = fixed("account key");
export const taskKey = fixed("task key");
export const accountSecret = fixed("account secret");
export const launchSecret = fixed("launch secret");

export const account = {
  accountSecret: base64(accountSecret),
  lowestProtocol: 2,
  kmsKeyARN: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  domain: "example.com",
  email: { provider: "ses", username: "AKIAEXAMPLE", password: "mail password" },
  sms: { apiSID: "SK0", apiSecret: "sms secret", serviceSID: "VA0" },
  signerPages: ["https://sign.example.com/", "https://example.com:8443/a/b"],
};

export const header = {
  protocol: 2,
  task: hex(fixed("task")),
  account: hex(accountId(accountSecret)),
  kmsKeyARN: account.kmsKeyARN,
  signers: 2,
  inOrder: true,
  expiry: 1_900_000_000_000,
};

export const configuration = {
  lowestProtocol: 2,
  domain: "example.com",
  emailProvider: "ses",
  signerPage: "https://sign.example.com/",
  fileName: "Vertrag \u00fcber 1 \u20ac.pdf",
  message: "Please sign.\nThank you.",
  notificant: { email: "office@example.com", locale: "en-US" },
  password: "pass \u738b",
  signers: [
    {
      name: "Ada Lovelace",
      email: "ada@example.com",
      locale: "en-US",
      fields: [{ type: "signature", page: 1, x: 72, y: 700.25, height: 24 }],
    },
    {
      name: "\u738b\u5c0f\u660e",
      email: "wang@example.org",
      phone: "+886912345678",
      locale: "zh-TW",
      fields: [
        { type: "signature", page: 2, x: 0, y: 9999, height: 2 },
        { type: "date", page: 9999, x: 9999, y: 0, height: 9999 },
      ],
    },
  ],
};

export const document = Buffer.from("%PDF-1.7\nnot really a document, and no reader of it is asked\n");

/** An account box of these JSON bytes. */
export const accountBox = (text, name = "account box") =>
  sealBox(accountSlot(accountKey), Buffer.from(text), fixed(name));

/** A task of these parts; others are those above. */
export const task = (parts = {}) => sealTask({
  accountSecret,
  taskKey,
  header,
  configuration,
  document,
  random: [fixed("configuration box"), fixed("document box")],
  ...parts,
});

export const sealed = task();
export const root = rootOf(accountSecret, taskKey);

/** Members that most kinds of vectors share. */
export const shared = {
  accountKey: hex(Buffer.concat([Buffer.from(TAGS.account), accountKey])),
  accountBox: base64(accountBox(JSON.stringify(account))),
  taskKey: hex(Buffer.concat([Buffer.from(TAGS.task), taskKey])),
  header: base64(sealed.header),
};

/** Both key pairs of a request of the task. */
export function requestKeys(signer, round) {
  const answer = answerKey(root, sealed.binding, signer, round);
  const link = linkKey(launchSecret, root, sealed.binding, signer, round);
  return { answer, answerPublic: publicOf(answer), link, linkPublic: publicOf(link) };
}

/** A copy with one bit changed; a negative place counts from the end. */
export function flipped(bytes, at, bit = 0) {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at] ^= 1 << bit;
  return copy;
}

/** A deep copy on which a change was made. */
export function changed(value, change) {
  const copy = structuredClone(value);
  change(copy);
  return copy;
}

export { slot };

/**
 * JSON texts that every reader of an object refuses: `[note, text]`. `mandatory` are the names of
 * members that cannot be left out, `optional` of those that can.
 */
export function badTexts(object, mandatory, optional = []) {
  const text = JSON.stringify(object);
  const [first, value] = Object.entries(object)[0];
  const member = `${JSON.stringify(first)}:${JSON.stringify(value)}`;
  const escaped = `"\\u${first.charCodeAt(0).toString(16).padStart(4, "0")}${first.slice(1)}"`;
  const without = (name) => JSON.stringify(changed(object, (copy) => delete copy[name]));
  const withNull = (name) => JSON.stringify({ ...object, [name]: null });
  return [
    ["a member twice", `{${member},${text.slice(1)}`],
    ["a member twice, spelt in two ways", `{${escaped}:${JSON.stringify(value)},${text.slice(1)}`],
    ["an unknown member", `${text.slice(0, -1)},"more":1}`],
    ["an unknown member named __proto__", `${text.slice(0, -1)},"__proto__":{}}`],
    ["an array of the values", JSON.stringify(Object.values(object))],
    ["a byte order mark", `\ufeff${text}`],
    ["text behind the object", `${text}{}`],
    ["a comma behind the last member", `${text.slice(0, -1)},}`],
    ["no text", ""],
    ["the text of null", "null"],
    ...mandatory.map((name) => [`without ${name}`, without(name)]),
    ...[...mandatory, ...optional].map((name) => [`${name} is null`, withNull(name)]),
  ];
}
