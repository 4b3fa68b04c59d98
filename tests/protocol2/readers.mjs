// Reads a vector of each kind: returns its values, or throws `Refused`. The vectors' README says
// what the members are.

import { check, dataKey, openBox, publicOf, Refused, sha256 } from "./crypto.mjs";
import { answerKey, launchId, linkKey, openAnswer, openVerification } from "./enclave.mjs";
import { belong, readAccount, readConfiguration, readHeader, readStatement } from "./forms.mjs";
import { readProof, readSpf, userData } from "./proofs.mjs";
import {
  accountId, accountSlot, binding, checkStatement, currentRound, resultSlot, rootOf, statementsHash,
  taskSlot,
} from "./sender.mjs";
import { readLink, writeLink } from "./signer.mjs";

const hex = (text) => Buffer.from(text, "hex");
const base64 = (text) => Buffer.from(text, "base64");
const hexOf = (bytes) => bytes.toString("hex");

/** Opens one part of a task and says which part was refused. */
function stage(name, open) {
  try {
    return open();
  } catch (problem) {
    if (problem instanceof Refused) problem.stage ??= name;
    throw problem;
  }
}

function openAccount({ accountKey, accountBox }) {
  const secret = stage("account", () => dataKey(hex(accountKey), "account"));
  return stage("account", () => readAccount(openBox(accountSlot(secret), base64(accountBox))));
}

/** Account, header and root of the members that many kinds share. */
function open(vector) {
  const bytes = base64(vector.header);
  const header = stage("header", () => readHeader(bytes));
  const account = openAccount(vector);
  const key = stage("task", () => dataKey(hex(vector.taskKey), "task"));
  return { account, bytes, header, root: rootOf(account.accountSecret, key) };
}

function openTask(vector) {
  const { account, bytes, header, root } = open(vector);
  const part = (name) => openBox(taskSlot(name, root, header.task, bytes), base64(vector[name]));
  const configuration = stage("task", () => {
    const value = readConfiguration(part("configuration"));
    belong(account, accountId(account.accountSecret), header, value);
    return value;
  });
  const document = stage("document", () => part("document"));
  const ofTask = binding(bytes, base64(vector.configuration), base64(vector.document));
  return { root, header, configuration, document, binding: ofTask };
}

function requestKeys(vector, root) {
  const values = [hex(vector.binding), vector.signer, vector.round];
  return {
    answer: answerKey(root, ...values),
    link: linkKey(hex(vector.launchSecret), root, ...values),
  };
}

export const READERS = {
  "data-key": ({ purpose, text }) => ({ key: hexOf(dataKey(hex(text), purpose)) }),

  account(vector) {
    const { accountSecret, domain, kmsKeyARN } = openAccount(vector);
    return { id: hexOf(accountId(accountSecret)), domain, kmsKeyARN };
  },

  task(vector) {
    const task = openTask(vector);
    return {
      binding: hexOf(task.binding),
      expiry: task.header.expiry,
      fileName: task.configuration.fileName,
      signers: task.configuration.signers.map(({ name }) => name),
      document: hexOf(sha256(task.document)),
    };
  },

  result(vector) {
    const { root, header } = open(vector);
    const where = resultSlot(vector.part, root, header.task, hex(vector.binding));
    return { text: openBox(where, base64(vector.box)).toString("base64") };
  },

  statements(vector) {
    const { root } = open(vector);
    const sent = vector.statements.map(({ statement, mac }) => {
      const one = { statement: base64(statement), mac: base64(mac) };
      checkStatement(root, hex(vector.binding), one);
      return one.statement;
    });
    const read = sent.map(readStatement);
    const times = read.filter(({ kind }) => kind === "void").map(({ at }) => at);
    return {
      void: times.length === 0 ? null : Math.min(...times),
      rounds: vector.signers.map((signer) => currentRound(read, signer)),
      hash: hexOf(statementsHash(sent)),
    };
  },

  request(vector) {
    const { root } = open(vector);
    const { answer, link } = requestKeys(vector, root);
    return {
      launch: hexOf(launchId(hex(vector.launchSecret))),
      answerKey: hexOf(answer),
      answerPublicKey: hexOf(publicOf(answer)),
      linkKey: hexOf(link),
      linkPublicKey: hexOf(publicOf(link)),
    };
  },

  link(vector) {
    const { root, header, configuration, binding: ofTask } = openTask(vector);
    const keys = requestKeys({ ...vector, binding: hexOf(ofTask) }, root);
    const { locale, phone } = configuration.signers[vector.signer];
    return {
      link: writeLink(configuration.signerPage, {
        protocol: 2,
        task: hexOf(header.task),
        binding: hexOf(ofTask),
        signer: vector.signer,
        round: vector.round,
        por: vector.por,
        expiry: header.expiry,
        key: keys.link.toString("base64url"),
        publicKey: publicOf(keys.link).toString("base64url"),
        answerKey: publicOf(keys.answer).toString("base64url"),
        domain: configuration.domain,
        fileName: configuration.fileName,
        locale,
        pin: phone !== undefined,
      }),
    };
  },

  fragment({ link }) {
    const { page, key, por, signer, round, fileName, pin } = readLink(link);
    return { page, key: hexOf(key), por: hexOf(por), signer, round, fileName, pin };
  },

  answer(vector) {
    // The private key of a request follows from the task, if it is not given.
    const { binding: ofTask, signer, round } = vector;
    const key = vector.answerKey === undefined
      ? answerKey(open(vector).root, hex(ofTask), signer, round)
      : hex(vector.answerKey);
    const keys = { answerKey: key, linkKey: hex(vector.linkPublicKey), por: hex(vector.por) };
    const { text, hash, ...answer } = openAnswer(keys, base64(vector.answer));
    return { ...answer, hash: hexOf(hash) };
  },

  verification(vector) {
    const { root } = open(vector);
    return { sid: openVerification(root, hex(vector.por), vector.verification) };
  },

  proof({ proof, text }) {
    readProof(proof, Buffer.from(text));
    return { hash: hexOf(sha256(text)) };
  },

  "user-data"({ text, fnName, binding: ofTask, results }) {
    const expected = userData(fnName, hex(ofTask), results.map(([name, bytes]) => [name, hex(bytes)]));
    check(expected.equals(Buffer.from(text)), "another statement");
    return {};
  },

  spf({ file }) {
    const { members, text, attestDoc } = readSpf(Buffer.from(file));
    return {
      summaryHash: hexOf(sha256(text)),
      binding: members.binding,
      signers: members.signerList.map(({ name }) => name),
      attestDoc: hexOf(attestDoc),
    };
  },
};

/** What a reader makes of a vector: `{ok: values}` or `{refused: where}`. */
export function outcome(kind, vector) {
  try {
    return { ok: READERS[kind](vector) };
  } catch (problem) {
    if (problem instanceof Refused) return { refused: problem.stage ?? kind };
    throw problem;
  }
}
