// Runs the page's own scripts, without the page, in Node.
// Usage: node core.mjs json TEXTS.json: for each text the SHA-256 of its compact form, or null where it is refused.
//        node core.mjs proofs SETTINGS.json CASES.json: for each { files, asked, now } { verdict, checks, said }.
//        node core.mjs summaries VECTORS.json: for each vector of kind spf what the page reads, or { refused: reason }.
//        node core.mjs documents ROOT.der CASES.json: for each { file, now } what the document attests, or { refused: reason }.

import { createHash, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";

const folder = new URL("../../web/src/", import.meta.url);
const context = createContext({ crypto: webcrypto, TextDecoder, TextEncoder, Uint8Array, URL, Blob, DecompressionStream, atob, btoa, Date });
const names = ["say", "bytes", "cbor", "der", "json", "zip", "attestation", "protocol2", "proof"];
const scripts = names.map((name) => readFileSync(new URL(`${name}.js`, folder), "utf8")).join("");
const page = runInContext(`"use strict";${scripts};({ Refusal, parseJson, verifyDocument, sha256, unzip, checkProof, parseProof, payloadHash })`, context);

const [, , what, ...files] = process.argv;
const read = (file) => JSON.parse(readFileSync(file, "utf8"));

async function answer(task) {
  try {
    return await task();
  } catch (problem) {
    if (problem instanceof page.Refusal) return { refused: problem.message };
    throw problem;
  }
}

const answers = [];
if (what === "json") {
  for (const text of read(files[0])) {
    answers.push(await answer(() => createHash("sha256").update(page.parseJson(text, "the text").text).digest("hex")));
  }
} else if (what === "summaries") {
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  for (const { file } of read(files[0]).vectors) {
    answers.push(await answer(() => {
      const { summaryText, bindingDataHash, signers, document, facts } = page.parseProof(new TextEncoder().encode(file));
      if (facts === null) return { refused: "another protocol" };
      return {
        summaryHash: sha256(summaryText),
        binding: bindingDataHash,
        signers: signers.map(({ name }) => name),
        attestDoc: Buffer.from(document).toString("hex"),
      };
    }));
  }
} else if (what === "proofs") {
  const settings = read(files[0]);
  for (const { files: paths, asked, now } of read(files[1])) {
    const judged = await answer(async () => {
      const bytes = paths.map((path) => new Uint8Array(readFileSync(path)));
      const payload = asked.payload === undefined ? null : await page.payloadHash(new TextEncoder().encode(asked.payload));
      const [pdf, spf] = bytes.length === 1 ? [...(await page.unzip(bytes[0])).values()] : bytes;
      const wanted = { binding: asked.binding ?? null, payload, senderDomain: asked.senderDomain ?? null };
      const { verdict, checks } = await page.checkProof(pdf, spf, wanted, settings, now);
      const outcomes = Object.fromEntries(checks.map((check) => [check.name, check.outcome]));
      return { verdict, checks: outcomes, said: checks.map((check) => check.text).join("\n") };
    });
    answers.push(judged.refused === undefined ? judged : { verdict: "unreadable", checks: {}, said: judged.refused });
  }
} else {
  const root = await page.sha256(new Uint8Array(readFileSync(files[0])));
  for (const { file, now } of read(files[1])) {
    answers.push(await answer(() => page.verifyDocument(new Uint8Array(readFileSync(file)), root, now)));
  }
}
console.log(JSON.stringify(answers));
