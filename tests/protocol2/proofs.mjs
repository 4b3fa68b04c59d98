// Proofs, summary and user data ("Proofs"). A reader refuses every spelling but the one of the
// page: it writes again what it read, and compares.

import { check, sha256 } from "./crypto.mjs";
import { isIPv4, isIPv6 } from "node:net";
import {
  array, compact, encoded, flag, hash, object, one, parse, pattern, read, text, time, whole,
} from "./json.mjs";

const signer = whole(0, 999);
const round = whole(1, 1_000_000);
const hexHash = (value, name) => hash(value, name).toString("hex");
const key = (value, name) => {
  encoded("base64", 65)(value, name);
  return value;
};

/** IPv6 in the form of RFC 5952. The WHATWG URL standard writes all but mapped addresses so. */
function rfc5952(address) {
  const form = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(form);
  if (!mapped) return form;
  const [high, low] = mapped.slice(1).map((digits) => Number.parseInt(digits, 16));
  return `::ffff:${[high >> 8, high & 255, low >> 8, low & 255].join(".")}`;
}

const address = (value, name) => {
  const six = typeof value === "string" && !value.includes("%") && isIPv6(value);
  check(isIPv4(value) || (six && rfc5952(value) === value), `${name} is not an IP address`);
  return value;
};
const ways = (value, name) => {
  const list = array(1, 2, one("mail", "sms"))(value, name);
  check(list[0] === "mail" && list[1] !== "mail", `${name} is neither [mail] nor [mail,sms]`);
  return list;
};

const start = (kind) => ({ protocol: one(2), kind: one(kind), binding: hexHash });
const answered = { porHash: hexHash, ipAddress: address, answeredAt: time, answerHash: hexHash };

const FORMS = {
  por: [{
    ...start("por"), signer, round, linkKey: key, answerKey: key, expiry: time, checkedBy: ways,
  }, { previous: hexHash }],
  poi: [{
    ...start("poi"), signer, round, porHash: hexHash, porTime: time, ipAddress: address,
    answeredAt: time, answerHash: hexHash, checkedBy: ways,
  }, { previous: hexHash, phoneSalt: pattern(/^[0-9a-f]{32}$/), phoneHash: hexHash }],
  decline: [{ ...start("decline"), signer, round, ...answered }],
  void: [{ ...start("void"), at: time, statements: hexHash }],
};

function exactly(bytes, most, form, others = () => {}) {
  const value = read(bytes, most, form);
  others(value);
  check(compact(value).equals(bytes), "another spelling");
  return value;
}

/** Reads a proof; `kind` is `por`, `poi`, `decline` or `void`. */
export const readProof = (kind, bytes) =>
  exactly(bytes, 2048, object(...FORMS[kind]), ({ checkedBy, phoneSalt, phoneHash }) => {
    check((phoneSalt === undefined) === (phoneHash === undefined), "a phone's salt or hash alone");
    if (kind !== "poi") return;
    check(checkedBy.includes("sms") === (phoneHash !== undefined), "checkedBy and the phone differ");
  });

/** Writes a proof of the members of `value`, whose order does not matter. */
export function writeProof(kind, value) {
  const [members, optional = {}] = FORMS[kind];
  const all = { protocol: 2, kind, ...value };
  const names = Object.keys({ ...members, ...optional }).filter((name) => name in all);
  return compact(Object.fromEntries(names.map((name) => [name, all[name]])));
}

export const phoneHash = (salt, phone) => sha256(Buffer.concat([salt, Buffer.from(phone)]));

const any = text(0, Infinity);

const ofSigner = (value, name) => {
  // The order of the page. Limits of texts are those of the configuration, where they came from.
  const members = {
    name: any, emailAddr: any, phoneNumber: any, checkedBy: ways,
    ipAddress: address, round, porTime: time, answeredAt: time, signingTime: time, poiHash: hexHash,
  };
  const { phoneNumber, ...mandatory } = members;
  const read = object(mandatory, { phoneNumber })(value, name);
  const verified = read.phoneNumber !== undefined;
  check(read.checkedBy.includes("sms") === verified, `${name}: checkedBy and phoneNumber differ`);
  const names = Object.keys(members).filter((member) => read[member] !== undefined);
  return Object.fromEntries(names.map((member) => [member, read[member]]));
};

const summary = object({
  protocol: one(2),
  binding: hexHash,
  account: hexHash,
  emailServiceProvider: one("ses", "sg"),
  emailServiceDomain: text(1, 256),
  inOrder: flag,
  statements: hexHash,
  magicNumber: hexHash,
  signerList: array(1, 1000, ofSigner),
});

/** Reads a summary in compact JSON. */
export const readSummary = (bytes) => exactly(bytes, 16 << 20, summary);

const spf = object({ summary: (value) => value, attestDoc: encoded("base64") });

/** Reads an .spf file: the summary's compact text, which is attested, and the document. */
export function readSpf(bytes) {
  check(bytes.length <= 16 << 20, "more than 16 MiB");
  const value = parse(bytes);
  check(value instanceof Map, "an .spf file is an object");
  const known = new Map([...value].filter(([name]) => name === "summary" || name === "attestDoc"));
  const file = spf(known, "the .spf file");
  const members = summary(file.summary, "summary");
  const text = compact(plain(file.summary));
  check(compact(members).equals(text), "another spelling");
  return { members, text, attestDoc: file.attestDoc };
}

/** Maps to objects, in their order: for texts whose members' names are known. */
function plain(value) {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([name, item]) => [name, plain(item)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

/** The user data of an attested result; `results` is `[name, bytes]` pairs. */
export const userData = (fnName, binding, results) => compact({
  protocol: 2,
  fnName,
  binding: binding.toString("hex"),
  hashList: results.map(([name, bytes]) => ({ name, hash: sha256(bytes).toString("hex") })),
});
