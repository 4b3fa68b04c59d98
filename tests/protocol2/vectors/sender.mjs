// Vectors of statements, and of the boxes that the enclave seals for the sender.

import { hmac, list, sealBox } from "../crypto.mjs";
import { resultSlot, statementMac, statementsHash } from "../sender.mjs";
import {
  badTexts, base64, fixed, flipped, header, hex, root, sealed, shared,
} from "./fixed.mjs";

export const SENDER_BASE = { ...shared, binding: hex(sealed.binding) };

const TASK = Buffer.from(header.task, "hex");

export function results() {
  const text = Buffer.from("a ZIP archive, or a reason");
  const seal = (part, where = {}) =>
    sealBox({ ...resultSlot(part, root, TASK, sealed.binding), ...where }, text, fixed(part));
  const good = (part) =>
    ({ note: `a ${part}`, part, box: base64(seal(part)), ok: { text: base64(text) } });
  const refused = (note, part, box, members = {}) =>
    ({ note: `${part}: ${note}`, part, box: base64(box), ...members, refused: "result" });
  const of = (part, other) => [
    good(part),
    refused("as the other part", part, seal(other)),
    refused("as a document", part, seal("document")),
    refused("of another binding", part, seal(part), { binding: hex(fixed("other binding")) }),
    refused("with the header's hash as its context", part, seal(part, { context: fixed("h") })),
    refused("without a context", part, seal(part, { context: Buffer.alloc(0) })),
    refused("of another task", part, seal(part, { task: fixed("another task") })),
    refused("under another root", part, seal(part, { secret: fixed("root") })),
    refused("a changed bit", part, flipped(seal(part), 70)),
    refused("truncated", part, seal(part).subarray(0, -1)),
  ];
  return [...of("result", "decline"), ...of("decline", "result")];
}

const sign = (text, ofTask = sealed.binding) => {
  const bytes = Buffer.from(text);
  return { statement: base64(bytes), mac: base64(statementMac(root, ofTask, bytes)) };
};

const json = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const AT = 1_790_000_000_000;
const VOID = { kind: "void", at: AT };
const ROUND = { kind: "newRound", at: AT, signer: 1, round: 2 };

function good(note, texts, voidAt, rounds) {
  const bytes = texts.map((text) => Buffer.from(json(text)));
  return {
    note,
    statements: bytes.map((text) => sign(text)),
    signers: [0, 1, 999],
    ok: { void: voidAt, rounds, hash: hex(statementsHash(bytes)) },
  };
}

const refused = (note, ...statements) =>
  ({ note, statements, signers: [], refused: "statements" });

function malformed() {
  const round = (members) => ({ ...ROUND, ...members });
  const text = JSON.stringify(ROUND);
  const texts = [
    ...badTexts(VOID, Object.keys(VOID), ["reason"]).map(([note, it]) => [`void: ${note}`, it]),
    ...badTexts(ROUND, Object.keys(ROUND)).map(([note, it]) => [`new round: ${note}`, it]),
    ["another kind", { kind: "newSigner", at: AT }],
    ["a kind in upper case", { kind: "Void", at: AT }],
    ["a kind by number", { kind: 0, at: AT }],
    ["a void with a signer", { ...VOID, signer: 1 }],
    ["a new round with a reason", round({ reason: "r" })],
    ["a reason of 1001 characters", { ...VOID, reason: "r".repeat(1001) }],
    ["time 2^53", `{"kind":"void","at":9007199254740992}`],
    ["time -1", { ...VOID, at: -1 }],
    ["a time with a fraction", `{"kind":"void","at":1.0}`],
    ["signer 1000", round({ signer: 1000 })],
    ["signer -1", round({ signer: -1 })],
    ["round 0", round({ round: 0 })],
    ["round 1", round({ round: 1 })],
    ["round 1,000,001", round({ round: 1_000_001 })],
    ["8193 bytes", text + " ".repeat(8193 - text.length)],
  ];
  return texts.map(([note, it]) => refused(note, sign(json(it))));
}

function forged() {
  const text = Buffer.from(JSON.stringify(VOID));
  const right = sign(text);
  const withMac = (mac) => ({ statement: right.statement, mac: base64(mac) });
  const mac = Buffer.from(right.mac, "base64");
  return [
    refused("for another binding", sign(text, fixed("other binding"))),
    refused("another text", { ...right, statement: sign(JSON.stringify(ROUND)).statement }),
    refused("a space more", { ...right, statement: base64(`${text} `) }),
    refused("a changed bit in the code", withMac(flipped(mac, 0))),
    refused("a code of 31 bytes", withMac(mac.subarray(0, 31))),
    refused("a code of 33 bytes", withMac(Buffer.concat([mac, Buffer.alloc(1)]))),
    refused("no code", withMac(Buffer.alloc(0))),
    refused("a code under the root itself", withMac(hmac(root, list("statement", text)))),
    refused("the second of two is forged", right, withMac(flipped(mac, 31))),
  ];
}

export function statements() {
  const again = (members) => ({ ...ROUND, ...members });
  const long = JSON.stringify(VOID);
  return [
    good("no statements", [], null, [1, 1, 1]),
    good("void", [VOID], AT, [1, 1, 1]),
    good("void with a reason", [{ ...VOID, reason: "Irrtum \u738b" }], AT, [1, 1, 1]),
    good("void with an empty reason", [{ ...VOID, reason: "" }], AT, [1, 1, 1]),
    good("a reason of 1000 characters", [{ ...VOID, reason: "\u{1d4b5}".repeat(1000) }], AT, [1, 1, 1]),
    good("a new round", [ROUND], null, [1, 2, 1]),
    good("the highest round and signer", [again({ signer: 999, round: 1_000_000 })], null,
      [1, 1, 1_000_000]),
    good("the highest of several rounds", [
      again({ round: 5 }), again({ round: 7 }), again({ round: 6 }), again({ signer: 0 }),
    ], null, [2, 7, 1]),
    good("the same twice", [ROUND, ROUND], null, [1, 2, 1]),
    good("two spellings of the same", [ROUND, ` ${JSON.stringify(ROUND)}`], null, [1, 2, 1]),
    good("the earliest of several voids", [
      VOID, { ...VOID, at: 5 }, { ...VOID, at: 2 ** 53 - 1 }, ROUND,
    ], 5, [1, 2, 1]),
    good("another order of members", [`{"round":3,"signer":1,"at":0,"kind":"newRound"}`], null,
      [1, 3, 1]),
    good("8192 bytes", [long + " ".repeat(8192 - long.length)], AT, [1, 1, 1]),
    ...malformed(),
    ...forged(),
  ];
}
