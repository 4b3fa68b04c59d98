// Writes tests/vectors/protocol-2. Everything is fixed, so the same files come out each time.
//
//   node tests/protocol2/make-vectors.mjs            writes the files
//   node tests/protocol2/make-vectors.mjs --check    fails if they differ

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hex, launchSecret } from "./vectors/fixed.mjs";
import { accounts, dataKeys } from "./vectors/account.mjs";
import * as answer from "./vectors/answer.mjs";
import { chains } from "./vectors/previous.mjs";
import * as proof from "./vectors/proof.mjs";
import { results, SENDER_BASE, statements } from "./vectors/sender.mjs";
import { shared } from "./vectors/fixed.mjs";
import { BASE, tasks } from "./vectors/task.mjs";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../vectors/protocol-2");

/** Members of all vectors of a kind, and its vectors. */
const FILES = {
  "data-key": [{}, dataKeys()],
  account: [{ accountKey: shared.accountKey, accountBox: shared.accountBox }, accounts()],
  task: [BASE, tasks()],
  result: [SENDER_BASE, results()],
  statements: [SENDER_BASE, statements()],
  request: [answer.REQUEST_BASE, answer.requests()],
  link: [{ ...BASE, launchSecret: hex(launchSecret) }, answer.links()],
  fragment: [{}, answer.fragments()],
  answer: [answer.ANSWER_BASE, answer.answers()],
  verification: [answer.VERIFICATION_BASE, answer.verifications()],
  proof: [{}, [...proof.proofs(), ...chains()]],
  "user-data": [{}, proof.statementsOfUserData()],
  spf: [{}, proof.spfs()],
};

/** One vector a line, so that a change shows which vectors it touches. */
function written(kind, base, vectors) {
  const lines = vectors.map((vector) => `    ${JSON.stringify(vector)}`).join(",\n");
  const head = `  "kind": ${JSON.stringify(kind)},\n  "base": ${JSON.stringify(base)},\n`;
  return `{\n${head}  "vectors": [\n${lines}\n  ]\n}\n`;
}

const check = process.argv.includes("--check");
mkdirSync(FOLDER, { recursive: true });
for (const [kind, [base, vectors]] of Object.entries(FILES)) {
  const file = join(FOLDER, `${kind}.json`);
  const text = written(kind, base, vectors);
  if (!check) {
    writeFileSync(file, text);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`${file} differs: run node tests/protocol2/make-vectors.mjs`);
    process.exitCode = 1;
  }
}
