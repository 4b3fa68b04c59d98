// The sender's side of protocol 2: what it seals, states and opens. Values are plain objects whose
// members are those of docs/protocol-2.md; each function returns bytes.

import { randomBytes, timingSafeEqual } from "node:crypto";
import {
  check, expand, extract, hmac, list, openBox, sealBox, sha256, slot,
} from "./crypto.mjs";
import { compact, object, read, text, whole } from "./json.mjs";

/** The identity of an account. */
export const accountId = (secret) => expand(secret, list("account id"), 32);

export const accountSlot = (dataKey) => slot("account", dataKey);

/** The secret of a task. */
export const rootOf = (accountSecret, taskKey) => extract(accountSecret, taskKey);

/** The slot of `configuration` or `document`. `header` is its bytes. */
export const taskSlot = (part, root, task, header) => slot(part, root, task, sha256(header));

/** The slot of `result` or `decline`. */
export const resultSlot = (part, root, task, binding) => slot(part, root, task, binding);

/** The identity of a task in every proof. */
export const bindingOf = (header, configuration, document) =>
  list("binding", sha256(header), sha256(configuration), sha256(document));

export const binding = (header, configuration, document) =>
  sha256(bindingOf(header, configuration, document));

/**
 * Seals a task. `random` gives the random bytes of both boxes, and the task's name is in the header.
 * Returns the bytes that the host carries, and what the sender keeps.
 */
export function sealTask({ accountSecret, taskKey, header, configuration, document, random }) {
  const bytes = { header: compact(header), configuration: compact(configuration) };
  const task = Buffer.from(header.task, "hex");
  const root = rootOf(accountSecret, taskKey);
  const fresh = random ?? [randomBytes(32), randomBytes(32)];
  const sealed = (part, contents, index) =>
    sealBox(taskSlot(part, root, task, bytes.header), contents, fresh[index]);
  const boxes = [sealed("configuration", bytes.configuration, 0), sealed("document", document, 1)];
  return {
    header: bytes.header,
    configuration: boxes[0],
    document: boxes[1],
    root,
    task,
    binding: binding(bytes.header, ...boxes),
  };
}

const statementKey = (root, ofTask) => expand(root, list("statement key", ofTask), 32);

export const statementMac = (root, ofTask, bytes) =>
  hmac(statementKey(root, ofTask), list("statement", bytes));

export function checkStatement(root, ofTask, { statement, mac }) {
  const right = statementMac(root, ofTask, statement);
  check(mac.length === 32 && timingSafeEqual(right, mac), "not a statement of this task's sender");
}

/** The hash of a set of statements. */
export function statementsHash(statements) {
  const hashes = statements.map((bytes) => sha256(bytes).toString("hex"));
  const sorted = [...new Set(hashes)].sort().map((hash) => Buffer.from(hash, "hex"));
  return sha256(list("statements", ...sorted));
}

/** The current round of a signer; `statements` are those that `readStatement` returned. */
export const currentRound = (statements, signer) => Math.max(1, ...statements
  .filter((one) => one.kind === "newRound" && one.signer === signer)
  .map(({ round }) => round));

const reason = object({
  signer: whole(0, 999),
  round: whole(1, 1_000_000),
  reason: text(0, 1000),
});

/** Who declined, and why. */
export const openDecline = ({ root, task, binding: ofTask }, box) =>
  read(openBox(resultSlot("decline", root, task, ofTask), box), 65_536, reason);

/** The ZIP archive with the signed document and its proof. */
export const openResult = ({ root, task, binding: ofTask }, box) =>
  openBox(resultSlot("result", root, task, ofTask), box);
