// Vectors of headers, configurations and documents.

import { encrypt, expand, extract, list, sealBox, sha256 } from "../crypto.mjs";
import { binding, rootOf, taskSlot } from "../sender.mjs";
import {
  account, accountBox, accountKey, badTexts, base64, changed, configuration, document, fixed,
  flipped, header, hex, root, sealed, shared, task, taskKey,
} from "./fixed.mjs";
import { BAD, GOOD } from "./configuration.mjs";

const TASK = Buffer.from(header.task, "hex");

/** A task as vectors carry it. */
const carried = ({ header: bytes, configuration: first, document: second }) => ({
  header: base64(bytes), configuration: base64(first), document: base64(second),
});

export const BASE = { ...shared, ...carried(sealed) };

const values = (ofTask, pdf = document, ofConfiguration = configuration, expiry = header.expiry) => ({
  binding: hex(ofTask),
  expiry,
  fileName: ofConfiguration.fileName,
  signers: ofConfiguration.signers.map(({ name }) => name),
  document: hex(sha256(pdf)),
});

/** The task whose header or configuration has these bytes. */
function withTexts({ header: head = sealed.header, configuration: text }) {
  const bytes = Buffer.from(head);
  const configurationText = Buffer.from(text ?? JSON.stringify(configuration));
  const boxes = [["configuration", configurationText], ["document", document]].map(([part, it]) =>
    sealBox(taskSlot(part, root, TASK, bytes), it, fixed(`${part} box`)));
  const ofTask = binding(bytes, ...boxes);
  const parts = { header: bytes, configuration: boxes[0], document: boxes[1] };
  return { ...carried(parts), binding: ofTask };
}

function headers() {
  const good = (note, head) => {
    const { binding: ofTask, ...parts } = withTexts({ header: head });
    const { expiry } = JSON.parse(head);
    return { note, ...parts, ok: values(ofTask, document, configuration, expiry) };
  };
  const refused = (note, head) => ({ note, header: base64(head), refused: "header" });
  const text = JSON.stringify(header);
  const other = (members) => JSON.stringify({ ...header, ...members });
  return [
    good("a header with white space and another order", JSON.stringify(
      Object.fromEntries(Object.entries(header).reverse()), null, 1,
    )),
    good("a header of 2048 bytes", text + " ".repeat(2048 - text.length)),
    good("expiry 0", other({ expiry: 0 })),
    good("expiry 2^53 - 1", other({ expiry: 2 ** 53 - 1 })),
    refused("a header of 2049 bytes", text + " ".repeat(2049 - text.length)),
    ...badTexts(header, Object.keys(header)).map(([note, bad]) => refused(`header: ${note}`, bad)),
    refused("protocol 1", other({ protocol: 1 })),
    refused("protocol 3", other({ protocol: 3 })),
    refused("protocol 2.0", text.replace('l":2', 'l":2.0')),
    refused("protocol as a text", other({ protocol: "2" })),
    refused("a task's name of 31 bytes", other({ task: header.task.slice(2) })),
    refused("a task's name in upper case", other({ task: header.task.toUpperCase() })),
    refused("an account of 33 bytes", other({ account: `${header.account}00` })),
    refused("an empty KMS key in the header", other({ kmsKeyARN: "" })),
    refused("a KMS key of 257 characters in the header", other({ kmsKeyARN: "k".repeat(257) })),
    refused("a KMS key with a space", other({ kmsKeyARN: "arn aws" })),
    refused("a KMS key outside ASCII", other({ kmsKeyARN: "\u00fc" })),
    refused("a KMS key with a control character", other({ kmsKeyARN: "a\u007f" })),
    refused("no signers", other({ signers: 0 })),
    refused("1001 signers", other({ signers: 1001 })),
    refused("-1 signers", other({ signers: -1 })),
    refused("signers 2e0", text.replace('signers":2', 'signers":2e0')),
    refused("inOrder 1", other({ inOrder: 1 })),
    refused("expiry 2^53", text.replace(String(header.expiry), "9007199254740992")),
    refused("expiry -1", other({ expiry: -1 })),
    refused("expiry -0", text.replace(String(header.expiry), "-0")),
    refused("expiry with a fraction", text.replace(String(header.expiry), "1.5")),
  ];
}

function configurations() {
  const good = GOOD.map(([note, change]) => {
    const value = changed(configuration, change);
    const { binding: ofTask, ...parts } = withTexts({ configuration: JSON.stringify(value) });
    return { note, ...parts, ok: values(ofTask, document, value) };
  });
  const text = JSON.stringify(configuration);
  const optional = ["notificant", "password"];
  const mandatory = Object.keys(configuration).filter((name) => !optional.includes(name));
  const texts = [
    ...badTexts(configuration, mandatory, optional),
    ...BAD.map(([note, change]) => [note, JSON.stringify(changed(configuration, change))]),
    ["page 1.0", text.replace('"page":1', '"page":1.0')],
    ["x 1e5", text.replace('"x":72', '"x":1e5')],
    ["x 1e400", text.replace('"x":72', '"x":1e400')],
  ];
  const bad = texts.map(([note, it]) => {
    const { binding: _, ...parts } = withTexts({ configuration: it });
    return { note: `configuration: ${note}`, ...parts, refused: "task" };
  });
  const spelt = text.replace('"x":72', '"x":0.72e2');
  const { binding: ofTask, ...parts } = withTexts({ configuration: spelt });
  return [...good, { note: "x with an exponent", ...parts, ok: values(ofTask) }, ...bad];
}

/** Tasks whose parts are genuine: some belong together, others do not. */
function mismatches() {
  const ofHeader = (note, members) => {
    const { header: bytes, ...others } = carried(task({ header: { ...header, ...members } }));
    return { note, header: bytes, ...others, refused: "task" };
  };
  const sendGrid = (it) => { it.email = { provider: "sendgrid", key: "k" }; };
  const withSendGrid = { ...configuration, emailProvider: "sendgrid" };
  const { binding: ofTask, ...parts } = withTexts({ configuration: JSON.stringify(withSendGrid) });
  const ofAccount = (note, change) => {
    const box = accountBox(JSON.stringify(changed(account, change)));
    return { note, accountBox: base64(box), refused: "task" };
  };
  return [
    {
      note: "account and configuration with SendGrid",
      accountBox: base64(accountBox(JSON.stringify(changed(account, sendGrid)))),
      ...parts,
      ok: values(ofTask, document, withSendGrid),
    },
    ofHeader("the header names another account", { account: hex(fixed("other account")) }),
    ofHeader("the header names another KMS key", { kmsKeyARN: `${header.kmsKeyARN}c` }),
    ofHeader("the header has another number of signers", { signers: 3 }),
    ofAccount("the account demands a later protocol", (it) => { it.lowestProtocol = 3; }),
    ofAccount("the account has another KMS key", (it) => { it.kmsKeyARN += "c"; }),
    ofAccount("the account has another domain", (it) => { it.domain = "example.org"; }),
    ofAccount("the account has the domain in upper case", (it) => { it.domain = "EXAMPLE.com"; }),
    ofAccount("the account has another mail provider", sendGrid),
    ofAccount("the account lacks the signer's page", (it) => it.signerPages.shift()),
    ofAccount("a phone number, but no SMS service", (it) => delete it.sms),
    ofAccount("another account secret", (it) => { it.accountSecret = base64(fixed("other")); }),
  ];
}

/** Boxes in the wrong place, changed or mixed. */
function boxes() {
  const refused = (stage) => (note, members) => ({ note, ...members, refused: stage });
  const [atTask, atDocument] = ["task", "document"].map(refused);
  const box = { configuration: sealed.configuration, document: sealed.document };
  const again = task({ random: [fixed("box 3"), fixed("box 4")] });
  const renamed = task({ header: { ...header, task: hex(fixed("another task")) } });
  const changes = (part, of) => [
    ["a changed bit in the random bytes", flipped(box[part], 31)],
    ["a changed bit in the commitment", flipped(box[part], 32)],
    ["a changed bit in the ciphertext", flipped(box[part], 70)],
    ["a changed bit in the tag", flipped(box[part], -16)],
    ["the last byte missing", box[part].subarray(0, -1)],
    ["one byte more", Buffer.concat([box[part], Buffer.alloc(1)])],
    ["79 bytes", box[part].subarray(0, 79)],
    ["no bytes", Buffer.alloc(0)],
    ["the box of another task", renamed[part]],
    ["the commitment of another box", Buffer.concat([
      box[part].subarray(0, 32), again[part].subarray(32, 64), box[part].subarray(64),
    ])],
    ["the ciphertext of another box", Buffer.concat([
      box[part].subarray(0, 64), again[part].subarray(64),
    ])],
  ].map(([note, bytes]) => of(`${part}: ${note}`, { [part]: base64(bytes) }));
  const spaced = Buffer.concat([sealed.header, Buffer.from(" ")]);
  const keyOf = (bytes) => hex(Buffer.concat([Buffer.from("letsesign/2 task"), bytes]));
  return [
    ...changes("configuration", atTask),
    ...changes("document", atDocument),
    atTask("the document's box as configuration", { configuration: base64(box.document) }),
    atDocument("the configuration's box as document", { document: base64(box.configuration) }),
    atTask("swapped boxes", {
      configuration: base64(box.document), document: base64(box.configuration),
    }),
    atTask("the header with a space more", { header: base64(spaced) }),
    atTask("the header with a later expiry", {
      header: base64(JSON.stringify({ ...header, expiry: header.expiry + 1 })),
    }),
    atTask("another task key", { taskKey: keyOf(flipped(taskKey, 0)) }),
    atTask("the account's key as the task's", { taskKey: shared.accountKey }),
    atTask("a task key of protocol 1", { taskKey: hex(taskKey) }),
    atTask("sealed under a root without the account's secret", carried(task({
      accountSecret: Buffer.alloc(32),
    }))),
    atTask("sealed under the task key itself", {
      configuration: base64(sealBox(
        taskSlot("configuration", taskKey, TASK, sealed.header),
        JSON.stringify(configuration),
        fixed("configuration box"),
      )),
    }),
    atDocument("a document that was sealed with the binding as its context", {
      document: base64(sealBox(
        { part: "document", secret: root, task: TASK, context: sealed.binding },
        document,
        fixed("document box"),
      )),
    }),
    ...twoKeys(atDocument),
  ];
}

/**
 * A document box whose ciphertext and tag are genuine under the keys of another root, with the
 * commitment that the right root demands, and with that of the other root.
 */
function twoKeys(refused) {
  const random = fixed("document box");
  const other = rootOf(fixed("other account secret"), taskKey);
  const { part, context } = taskSlot("document", other, TASK, sealed.header);
  const both = expand(extract(random, other), list("box", part, TASK), 64);
  const data = list("box data", part, TASK, context);
  const foreign = encrypt(both.subarray(0, 32), Buffer.alloc(12), data, document);
  const box = (commitment) => base64(Buffer.concat([random, commitment, foreign]));
  return [
    refused("genuine under another root, with its commitment", { document: box(both.subarray(32)) }),
    refused("genuine under another root, with the right commitment", {
      document: box(sealed.document.subarray(32, 64)),
    }),
    refused("the right ciphertext with the commitment of another root", {
      document: base64(Buffer.concat([
        random, both.subarray(32), sealed.document.subarray(64),
      ])),
    }),
  ];
}

export function tasks() {
  const empty = task({ document: Buffer.alloc(0) });
  return [
    {
      note: "a task",
      texts: { header: sealed.header.toString(), configuration: JSON.stringify(configuration) },
      ok: values(sealed.binding),
    },
    { note: "an empty document", ...carried(empty), ok: values(empty.binding, Buffer.alloc(0)) },
    ...headers(),
    ...configurations(),
    ...mismatches(),
    ...boxes(),
    {
      note: "an account that does not open, beside a task that does not",
      accountKey: hex(Buffer.concat([Buffer.from("letsesign/2 acct"), flipped(accountKey, 0)])),
      configuration: base64(sealed.document),
      refused: "account",
    },
  ];
}
