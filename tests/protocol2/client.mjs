// A sender and a signer on the command line: one command, JSON from standard input, JSON to
// standard output. server/tests/protocol2/node.rs has a document signed with it.
//
//   node client.mjs seal     {kmsKey, account, configuration, document} -> {payload, task}
//   node client.mjs state    {task, statement} -> {statement, mac}
//   node client.mjs answer   {link, answer} -> {answer}
//   node client.mjs decline  {task, box} -> {signer, round, reason}
//   node client.mjs open     {task, box} -> {archive}
//
// `kmsKey` is PEM, bytes are base64, and `task` is what `seal` gave back.

import { createPublicKey, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { sealBox, wrap } from "./crypto.mjs";
import { readConfiguration, readHeader } from "./forms.mjs";
import { compact } from "./json.mjs";
import {
  accountId, accountSlot, openDecline, openResult, sealTask, statementMac,
} from "./sender.mjs";
import { makeAnswer, readLink } from "./signer.mjs";

const base64 = (bytes) => bytes.toString("base64");
const bytes = (text) => Buffer.from(text, "base64");

/** Seals an account and a task. The header expires in 30 days; `inOrder` is true. */
function seal({ kmsKey, account, configuration, document }) {
  const key = createPublicKey(kmsKey);
  const accountKey = randomBytes(32);
  const taskKey = randomBytes(32);
  const secret = randomBytes(32);
  const header = {
    protocol: 2,
    task: randomBytes(32).toString("hex"),
    account: accountId(secret).toString("hex"),
    kmsKeyARN: account.kmsKeyARN,
    signers: configuration.signers.length,
    inOrder: true,
    expiry: Date.now() + 30 * 86_400_000,
  };
  readHeader(compact(header));
  readConfiguration(compact(configuration));
  const sealed = sealTask({
    accountSecret: secret, taskKey, header, configuration, document: bytes(document),
  });
  const box = sealBox(
    accountSlot(accountKey),
    compact({ accountSecret: base64(secret), ...account }),
  );
  return {
    payload: {
      protocol: 2,
      header: base64(sealed.header),
      account: { wrappedKey: base64(wrap(key, "account", accountKey)), box: base64(box) },
      wrappedKey: base64(wrap(key, "task", taskKey)),
      configuration: base64(sealed.configuration),
      document: base64(sealed.document),
    },
    task: {
      root: base64(sealed.root), task: base64(sealed.task), binding: base64(sealed.binding),
    },
  };
}

/** What the sender keeps of a task, as bytes. */
const kept = ({ root, task, binding }) =>
  ({ root: bytes(root), task: bytes(task), binding: bytes(binding) });

const COMMANDS = {
  seal,
  state({ task, statement }) {
    const { root, binding } = kept(task);
    const text = compact(statement);
    return { statement: base64(text), mac: base64(statementMac(root, binding, text)) };
  },
  answer({ link, answer }) {
    return { answer: base64(makeAnswer(readLink(link), compact(answer))) };
  },
  decline: ({ task, box }) => openDecline(kept(task), bytes(box)),
  open: ({ task, box }) => ({ archive: base64(openResult(kept(task), bytes(box))) }),
};

const [name] = process.argv.slice(2);
const command = COMMANDS[name];
if (!command) {
  console.error(`usage: node client.mjs ${Object.keys(COMMANDS).join("|")} < JSON`);
  process.exit(2);
}
console.log(JSON.stringify(command(JSON.parse(readFileSync(0, "utf8")))));
