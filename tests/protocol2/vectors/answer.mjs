// Vectors of requests, links, answers and verifications.

import { integer, list, sha256 } from "../crypto.mjs";
import { launchId, sealVerification } from "../enclave.mjs";
import { hpkeSeal } from "../hpke.mjs";
import { makeAnswer, signedText, writeLink } from "../signer.mjs";
import {
  badTexts, base64, configuration, fixed, fixedSign, flipped, header, hex, launchSecret, requestKeys,
  root, sealed, shared,
} from "./fixed.mjs";

const keys = requestKeys(1, 3);
const por = sha256("the bytes of a PoR");

export const REQUEST_BASE = {
  ...shared, launchSecret: hex(launchSecret), binding: hex(sealed.binding),
};

/** Derived keys: there is no invalid form of them. */
export function requests() {
  return [[0, 1], [1, 1], [0, 2], [1, 3], [999, 1_000_000]].map(([signer, round]) => {
    const { answer, answerPublic, link, linkPublic } = requestKeys(signer, round);
    return {
      note: `signer ${signer}, round ${round}`,
      signer,
      round,
      ok: {
        launch: hex(launchId(launchSecret)),
        answerKey: hex(answer),
        answerPublicKey: hex(answerPublic),
        linkKey: hex(link),
        linkPublicKey: hex(linkPublic),
      },
    };
  });
}

function members(signer, round) {
  const { answerPublic, link, linkPublic } = requestKeys(signer, round);
  return {
    protocol: 2,
    task: header.task,
    binding: hex(sealed.binding),
    signer,
    round,
    por: hex(por),
    expiry: header.expiry,
    key: link.toString("base64url"),
    publicKey: linkPublic.toString("base64url"),
    answerKey: answerPublic.toString("base64url"),
    domain: configuration.domain,
    fileName: configuration.fileName,
    locale: configuration.signers[signer].locale,
    pin: configuration.signers[signer].phone !== undefined,
  };
}

export function links() {
  return [[0, 1], [1, 3]].map(([signer, round]) => ({
    note: `the link of signer ${signer} in round ${round}`,
    signer,
    round,
    por: hex(por),
    ok: { link: writeLink(configuration.signerPage, members(signer, round)) },
  }));
}

export function fragments() {
  const page = configuration.signerPage;
  const right = members(1, 3);
  const link = writeLink(page, right);
  const [, content] = link.split("=");
  const of = (text, mark = "#letsesign2=") =>
    `${page}${mark}${Buffer.from(text).toString("base64url")}`;
  const other = (changes) => of(JSON.stringify({ ...right, ...changes }));
  const refused = (note, text) => ({ note, link: text, refused: "fragment" });
  const offCurve = flipped(keys.answerPublic, -1).toString("base64url");
  return [
    {
      note: "a link",
      link,
      ok: {
        page, key: hex(keys.link), por: hex(por), signer: 1, round: 3,
        fileName: configuration.fileName, pin: true,
      },
    },
    refused("without a fragment", page),
    refused("a fragment of another protocol", of(JSON.stringify(right), "#letsesign3=")),
    refused("a query", of(JSON.stringify(right), "?letsesign2=")),
    refused("base64 with padding", `${link}=`),
    refused("a character of base64", `${page}#letsesign2=+${content.slice(1)}`),
    ...badTexts(right, Object.keys(right)).map(([note, text]) => refused(note, of(text))),
    refused("protocol 3", other({ protocol: 3 })),
    refused("signer 1000", other({ signer: 1000 })),
    refused("round 0", other({ round: 0 })),
    refused("another key", other({ key: keys.answer.toString("base64url") })),
    refused("key 0", other({ key: Buffer.alloc(32).toString("base64url") })),
    refused("an answer key off the curve", other({ answerKey: offCurve })),
    refused("pin as a number", other({ pin: 1 })),
  ];
}

const EPHEMERAL = fixed("ephemeral key");

/** A genuine answer with these bytes. */
function seal(text, { signedFor = por, key = keys.link, aad = por, body = text } = {}) {
  const bytes = Buffer.from(text);
  const signature = fixedSign(key, signedText(signedFor, Buffer.from(body)));
  const receiver = { key, answerKey: keys.answerPublic, por: aad };
  return makeAnswer(receiver, bytes, { ephemeral: EPHEMERAL, signature });
}

export const ANSWER_BASE = {
  answerKey: hex(keys.answer), linkPublicKey: hex(keys.linkPublic), por: hex(por),
};

const AT = 1_790_000_000_000;

function genuine() {
  const good = (note, answer, text = JSON.stringify(answer)) => {
    const signature = fixedSign(keys.link, signedText(por, Buffer.from(text)));
    const hash = hex(sha256(Buffer.concat([signature, Buffer.from(text)])));
    return { note, answer: base64(seal(text)), ok: { ...answer, hash } };
  };
  const confirm = { action: "confirm", at: AT };
  const decline = { action: "decline", at: AT };
  const room = 16_384 - 65 - 16 - 64 - JSON.stringify(confirm).length;
  return [
    { ...good("confirm", confirm), ephemeral: hex(EPHEMERAL), text: JSON.stringify(confirm) },
    good("requestPin", { action: "requestPin", at: 0 }),
    good("confirm with a PIN", { ...confirm, pin: "123456" }),
    good("a PIN of 16 characters", { ...confirm, pin: "\u{1d7d8}".repeat(16) }),
    good("decline", decline),
    good("decline with a reason", { ...decline, reason: "Nein, \u738b.\n" }),
    good("decline with an empty reason", { ...decline, reason: "" }),
    good("a reason of 1000 characters", { ...decline, reason: "\u{1d4b5}".repeat(1000) }),
    good("the latest time", { action: "confirm", at: 2 ** 53 - 1 }),
    good("another order and white space", confirm, ` {"at" : ${AT},\n"action":"confirm"}`),
    good("16,384 bytes", confirm, JSON.stringify(confirm) + " ".repeat(room)),
  ];
}

function malformed() {
  const confirm = { action: "confirm", at: AT };
  const text = JSON.stringify(confirm);
  const room = 16_384 - 65 - 16 - 64 - text.length;
  const texts = [
    ...badTexts(confirm, Object.keys(confirm)),
    ["pin null", JSON.stringify({ ...confirm, pin: null })],
    ["reason null", JSON.stringify({ action: "decline", at: AT, reason: null })],
    ["an unknown action", JSON.stringify({ ...confirm, action: "approve" })],
    ["an action in upper case", JSON.stringify({ ...confirm, action: "Confirm" })],
    ["an action as an object", JSON.stringify({ ...confirm, action: { confirm: null } })],
    ["an empty PIN", JSON.stringify({ ...confirm, pin: "" })],
    ["a PIN of 17 characters", JSON.stringify({ ...confirm, pin: "1".repeat(17) })],
    ["a PIN as a number", JSON.stringify({ ...confirm, pin: 123_456 })],
    ["a PIN with decline", JSON.stringify({ action: "decline", at: AT, pin: "1" })],
    ["a PIN with requestPin", JSON.stringify({ action: "requestPin", at: AT, pin: "1" })],
    ["a reason with confirm", JSON.stringify({ ...confirm, reason: "r" })],
    ["a reason of 1001 characters", JSON.stringify({
      action: "decline", at: AT, reason: "r".repeat(1001),
    })],
    ["time 2^53", text.replace(AT, "9007199254740992")],
    ["time -1", text.replace(AT, "-1")],
    ["a time with a fraction", text.replace(AT, `${AT}.0`)],
    ["16,385 bytes", text + " ".repeat(room + 1)],
  ];
  return texts.map(([note, it]) => ({ note, answer: base64(seal(it)), refused: "answer" }));
}

/** Answers that a host could make of what it sees, with all public keys. */
function forged() {
  const confirm = JSON.stringify({ action: "confirm", at: AT });
  const decline = JSON.stringify({ action: "decline", at: AT });
  const right = seal(confirm);
  const foreign = requestKeys(0, 1);
  const refused = (note, bytes, members = {}) =>
    ({ note, answer: base64(bytes), ...members, refused: "answer" });
  const withEnc = (point) => Buffer.concat([point, right.subarray(65)]);
  const point = right.subarray(0, 65);
  const sealRaw = (bytes, info = list("answer"), aad = por) =>
    hpkeSeal(keys.answerPublic, info, aad, bytes, EPHEMERAL);
  const signature = fixedSign(keys.link, signedText(por, Buffer.from(confirm)));
  const signed = Buffer.concat([signature, Buffer.from(confirm)]);
  const zero = Buffer.alloc(64);
  return [
    refused("decline signed, presented as confirm", seal(confirm, { body: decline })),
    refused("confirm signed, presented as decline", seal(decline, { body: confirm })),
    refused("signed by the link of another signer", seal(confirm, { key: foreign.link })),
    refused("signed by the answer key", seal(confirm, { key: keys.answer })),
    refused("signed for another PoR", seal(confirm, { signedFor: sha256("another PoR") })),
    refused("encrypted for another PoR", seal(confirm, { aad: sha256("another PoR") })),
    refused("the text alone is signed", sealRaw(Buffer.concat([
      fixedSign(keys.link, Buffer.from(confirm)), Buffer.from(confirm),
    ]))),
    refused("signed as another kind of list", sealRaw(Buffer.concat([
      fixedSign(keys.link, list("statement", por, confirm)), Buffer.from(confirm),
    ]))),
    refused("a signature of zeros", sealRaw(Buffer.concat([zero, Buffer.from(confirm)]))),
    refused("r is zero", sealRaw(Buffer.concat([zero.subarray(32), signed.subarray(32)]))),
    refused("a changed bit in the signature", sealRaw(flipped(signed, 63))),
    refused("without a signature", sealRaw(Buffer.from(confirm))),
    refused("63 bytes of a signature alone", sealRaw(signature.subarray(0, 63))),
    refused("a signature without a text", sealRaw(signature)),
    refused("another info", sealRaw(signed, list("request"))),
    refused("no info", sealRaw(signed, Buffer.alloc(0))),
    refused("no associated data", sealRaw(signed, list("answer"), Buffer.alloc(0))),
    refused("a point off the curve", withEnc(flipped(point, 64))),
    refused("the point at infinity", withEnc(Buffer.alloc(65))),
    refused("a point with the mark of a compressed one", withEnc(flipped(point, 0, 1))),
    refused("a hybrid point", withEnc(Buffer.concat([Buffer.from([6]), point.subarray(1)]))),
    refused("x above the field's prime", withEnc(
      Buffer.concat([Buffer.from([4]), Buffer.alloc(32, 255), point.subarray(33)]),
    )),
    refused("another ephemeral point", withEnc(keys.linkPublic)),
    refused("a changed bit in the ciphertext", flipped(right, 65)),
    refused("a changed bit in the tag", flipped(right, -1)),
    refused("the last byte missing", right.subarray(0, -1)),
    refused("one byte more", Buffer.concat([right, Buffer.alloc(1)])),
    refused("80 bytes", right.subarray(0, 80)),
    refused("no bytes", Buffer.alloc(0)),
    refused("another answer key", right, { answerKey: hex(foreign.answer) }),
    refused("another link key in the PoR", right, { linkPublicKey: hex(foreign.linkPublic) }),
    refused("a link key off the curve", right, {
      linkPublicKey: hex(flipped(keys.linkPublic, -1)),
    }),
    refused("a PoR of another round", right, { por: hex(sha256(integer(1))) }),
  ];
}

export const answers = () => [...genuine(), ...malformed(), ...forged()];

export const VERIFICATION_BASE = { ...shared, por: hex(por) };

export function verifications() {
  const verification = sealVerification(root, por, "VE.0123");
  const refused = (note, members) => ({ note, verification, ...members, refused: "verification" });
  return [
    { note: "a verification", verification, ok: { sid: "VE.0123" } },
    refused("of another PoR", { por: hex(sha256("another PoR")) }),
    refused("another identifier", { verification: verification.replace("0123", "0124") }),
    refused("a dot less", { verification: verification.replace("E.0", "E0") }),
    refused("the code in upper case", {
      verification: `VE.0123.${verification.split(".")[2].toUpperCase()}`,
    }),
    refused("the identifier alone", { verification: "VE.0123" }),
    refused("a code alone", { verification: verification.split(".")[2] }),
    refused("no text", { verification: "" }),
    refused("a shorter code", { verification: verification.slice(0, -1) }),
  ];
}
