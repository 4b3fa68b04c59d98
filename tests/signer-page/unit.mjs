// The signer's page without a browser: what it reads as a link, and the answers that it makes,
// against the second implementation of protocol 2 and the golden vectors.
//
//   node tests/signer-page/unit.mjs
//
// Prints one line per check; a failure ends it with an exit code other than 0.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { hpkeSeal, keysAreRight, sealAnswer } from "../../host/web/signer/answer.js";
import {
  fromBase64url, readLink, toBase64, toBase64url, visible,
} from "../../host/web/signer/link.js";
import { list, sha256 } from "../protocol2/crypto.mjs";
import { openAnswer } from "../protocol2/enclave.mjs";
import { makeRequest } from "./request.mjs";

const folder = new URL("../vectors/protocol-2/", import.meta.url);
const vectors = (kind) => JSON.parse(readFileSync(new URL(`${kind}.json`, folder), "utf8"));
let failures = 0;

async function check(name, run) {
  try {
    await run();
    console.log(`ok: ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED: ${name}: ${error.stack}`);
  }
}

/** What the page does with a link: its content, or `null`. */
async function accepted(url) {
  const link = readLink(url);
  return link && await keysAreRight(link) ? link : null;
}

const { link: url, keys } = makeRequest({ fileName: "Vertrag über 1 €.pdf", phone: true });
const por = keys.por.toString("hex");
const rewrite = (change) => {
  const at = url.indexOf("=") + 1;
  const text = Buffer.from(url.slice(at), "base64url").toString();
  return url.slice(0, at) + Buffer.from(change(text)).toString("base64url");
};
const members = (change) => rewrite((text) => JSON.stringify(change(JSON.parse(text))));

for (const { note, link, ok, refused } of vectors("fragment").vectors) {
  await check(`fragment vector: ${note}`, async () => {
    assert.notEqual(ok === undefined, refused === undefined);
    const found = await accepted(link);
    assert.equal(found !== null, ok !== undefined);
    for (const [name, value] of Object.entries(ok ?? {})) {
      if (name === "page") continue;
      const is = found[name];
      const text = is instanceof Uint8Array ? Buffer.from(is).toString("hex") : is;
      const wanted = is instanceof Uint8Array && text !== value
        ? Buffer.from(value, "base64url").toString("hex") : value;
      assert.deepEqual(text, wanted, name);
    }
  });
}
for (const { note, ok } of vectors("link").vectors) {
  await check(`link vector: ${note}`, async () => assert.ok(await accepted(ok.link)));
}
await check("a right link", async () => {
  const link = await accepted(url);
  assert.equal(link.fileName, "Vertrag über 1 €.pdf");
  assert.equal(link.por, por);
  assert.equal(link.pin, true);
});
await check("a link that is cut anywhere", async () => {
  for (let end = 0; end < url.length; end += 1) {
    assert.equal(await accepted(url.slice(0, end)), null, `at ${end}`);
  }
});
await check("a link with something behind it", async () => {
  for (const tail of [".", ">", "A", "AA", "AAAA", "=", "%3D", "&utm_source=mail", "#a"]) {
    assert.equal(await accepted(url + tail), null, tail);
  }
});
await check("a mark that is not the beginning of the fragment", async () => {
  assert.equal(await accepted(url.replace("#", "#/esign#")), null);
});
await check("an altered key", async () => {
  for (const name of ["key", "publicKey", "answerKey"]) {
    const altered = members((link) => {
      const bytes = Buffer.from(link[name], "base64url");
      bytes[bytes.length - 1] ^= 1;
      return { ...link, [name]: bytes.toString("base64url") };
    });
    assert.equal(await accepted(altered), null, name);
  }
});
await check("members in another order, white space, another spelling", async () => {
  assert.equal(await accepted(members(({ pin, ...rest }) => ({ pin, ...rest }))), null);
  assert.equal(await accepted(rewrite((text) => text.replace(",", ", "))), null);
  assert.equal(await accepted(rewrite((text) => text.replace("example", "ex\\u0061mple"))), null);
  assert.ok(await accepted(rewrite((text) => text)), "the check itself changes nothing");
});
await check("base64url has one spelling", () => {
  assert.throws(() => fromBase64url("AB"));
  assert.throws(() => fromBase64url("A"));
  assert.throws(() => fromBase64url("AA=="));
  assert.throws(() => fromBase64url("A A"));
  assert.deepEqual([...fromBase64url("AA")], [0]);
  for (let length = 0; length < 70; length += 1) {
    const bytes = webcrypto.getRandomValues(new Uint8Array(length));
    assert.equal(toBase64url(bytes), Buffer.from(bytes).toString("base64url"));
    assert.equal(toBase64(bytes), Buffer.from(bytes).toString("base64"));
    assert.deepEqual(fromBase64url(toBase64url(bytes)), bytes);
  }
});
await check("marks that turn text around are shown", () => {
  assert.equal(visible("a\u202efdp.exe"), "a\ufffdfdp.exe");
  assert.equal(visible("合約 über.pdf"), "合約 über.pdf");
});

const answers = [
  { action: "requestPin", at: 0 },
  { action: "confirm", at: 1_790_000_000_000 },
  { action: "confirm", at: 1_790_000_000_000, pin: "123456" },
  { action: "decline", at: 1_790_000_000_000 },
  { action: "decline", at: 1, reason: "\u0000\"\\\n不同意 🙂" },
  { action: "decline", at: 1, reason: "🙂".repeat(1000) },
];
for (const answer of answers) {
  const name = JSON.stringify(answer).slice(0, 60);
  await check(`the enclave opens ${name}`, async () => {
    const link = await accepted(url);
    const sealed = Buffer.from(await sealAnswer(link, answer));
    const opened = openAnswer(keys, sealed);
    assert.deepEqual(JSON.parse(opened.text), answer);
    assert.notDeepEqual(Buffer.from(await sealAnswer(link, answer)), sealed, "fresh keys");
    // Another request, a changed bit, and a cut answer are refused.
    const foreign = { ...keys, por: sha256("another") };
    assert.throws(() => openAnswer(foreign, sealed));
    assert.throws(() => openAnswer(makeRequest({}).keys, sealed));
    for (const at of [0, 70, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at] ^= 1;
      assert.throws(() => openAnswer(keys, changed), `byte ${at}`);
    }
    assert.throws(() => openAnswer(keys, sealed.subarray(0, -1)));
  });
}
await check("a foreign link's answer is refused", async () => {
  const other = await accepted(makeRequest({}).link);
  const mixed = { ...other, answerKey: (await accepted(url)).answerKey, por };
  const sealed = Buffer.from(await sealAnswer(mixed, { action: "confirm", at: 1 }));
  assert.throws(() => openAnswer(keys, sealed));
});
await check("the HPKE of an answer vector, byte for byte", async () => {
  const { base, vectors: all } = vectors("answer");
  const vector = all.find(({ ephemeral }) => ephemeral);
  const { createECDH } = await import("node:crypto");
  const pair = (hex) => {
    const curve = createECDH("prime256v1");
    curve.setPrivateKey(hex, "hex");
    return curve.getPublicKey();
  };
  const point = pair(vector.ephemeral);
  const jwk = {
    kty: "EC", crv: "P-256", d: Buffer.from(vector.ephemeral, "hex").toString("base64url"),
    x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url"),
  };
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const privateKey = await webcrypto.subtle.importKey("jwk", jwk, curve, false, ["deriveBits"]);
  const publicKey = await webcrypto.subtle.importKey("raw", point, curve, true, []);
  const expected = Buffer.from(vector.answer, "base64");
  const { hpkeOpen } = await import("../protocol2/hpke.mjs");
  const aad = Buffer.from(base.por, "hex");
  const text = hpkeOpen(Buffer.from(base.answerKey, "hex"), list("answer"), aad, expected);
  const sealed = await hpkeSeal(pair(base.answerKey), list("answer"), aad, text,
    { privateKey, publicKey });
  assert.deepEqual(Buffer.from(sealed), expected);
});
await check("languages have the same keys and places, and none is empty", () => {
  const read = (name) => JSON.parse(readFileSync(
    new URL(`../../host/web/signer/locales/${name}.json`, import.meta.url), "utf8"));
  const english = read("en-US");
  const places = (text) => [...new Set(text.match(/\{\w+\}/g))].sort();
  for (const name of Object.keys(read("index"))) {
    const texts = read(name);
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort(), name);
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(text.trim(), `${name}: ${key}`);
      assert.deepEqual(places(text), places(english[key]), `${name}: ${key}`);
    }
  }
});

if (failures > 0) console.log(`${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
