// Vectors of data keys and accounts.

import { sealBox, slot, TAGS } from "../crypto.mjs";
import {
  account, accountBox, accountKey, badTexts, base64, changed, fixed, flipped, header, hex, shared,
} from "./fixed.mjs";

const { accountKey: KEY, accountBox: BOX } = shared;

export function dataKeys() {
  const text = (tag) => Buffer.concat([Buffer.from(tag), accountKey]);
  const refused = (note, purpose, bytes) =>
    ({ note: `${purpose}: ${note}`, purpose, text: hex(bytes), refused: "data-key" });
  const both = ["account", "task"];
  return both.flatMap((purpose, index) => {
    const right = text(TAGS[purpose]);
    return [
      { note: `of a ${purpose}`, purpose, text: hex(right), ok: { key: hex(accountKey) } },
      refused("of the other purpose", purpose, text(TAGS[both[1 - index]])),
      refused("of protocol 1: the key alone", purpose, accountKey),
      refused("one byte short", purpose, right.subarray(0, 47)),
      refused("one byte more", purpose, Buffer.concat([right, Buffer.alloc(1)])),
      refused("a changed bit in the tag", purpose, flipped(right, 3)),
      refused("a tag of a later protocol", purpose, text(TAGS[purpose].replace("2", "3"))),
      refused("nothing", purpose, Buffer.alloc(0)),
    ];
  });
}

const LONG = "d".repeat(257);
const label = (length) => "d".repeat(length);

/** Changes of the account that are within the limits. */
const GOOD = [
  ["without sms", (it) => delete it.sms],
  ["with SendGrid", (it) => { it.email = { provider: "sendgrid", key: "k" }; }],
  ["one signer's page", (it) => { it.signerPages = ["https://a.example"]; }],
  ["16 signer's pages", (it) => { it.signerPages = Array(16).fill("https://a.example/"); }],
  ["a page of 1024 characters", (it) => {
    it.signerPages = [`https://a.example/${"p".repeat(1006)}`];
  }],
  ["a page with the highest port", (it) => { it.signerPages = ["https://a.example:65535/"]; }],
  ["a page with all that a path may have", (it) => {
    it.signerPages = ["https://a.example/!$%20&()*+,-./:;=@[]_~"];
  }],
  ["credentials of 256 characters, outside the BMP", (it) => {
    it.email.password = "\u{1d4b5}".repeat(256);
  }],
  ["a domain of 253 characters", (it) => {
    it.domain = [label(63), label(63), label(63), label(61)].join(".");
  }],
  ["a domain in Punycode", (it) => { it.domain = "xn--bcher-kva.xn--p1ai"; }],
  ["a lowest protocol that is later", (it) => { it.lowestProtocol = 3; }],
];

const page = (url) => (it) => { it.signerPages = [url]; };
const domain = (name) => (it) => { it.domain = name; };

const BAD = [
  ["a secret of 31 bytes", (it) => { it.accountSecret = base64(fixed("short", 31)); }],
  ["a secret of 33 bytes", (it) => { it.accountSecret = base64(fixed("long", 33)); }],
  ["a secret in base64url", (it) => { it.accountSecret = `-_${it.accountSecret.slice(2)}`; }],
  ["a secret without padding", (it) => { it.accountSecret = it.accountSecret.slice(0, -1); }],
  ["unused bits in base64", (it) => {
    const last = it.accountSecret.at(-2).charCodeAt(0);
    it.accountSecret = `${it.accountSecret.slice(0, -2)}${String.fromCharCode(last + 1)}=`;
  }],
  ["lowestProtocol 1", (it) => { it.lowestProtocol = 1; }],
  ["lowestProtocol in a text", (it) => { it.lowestProtocol = "2"; }],
  ["an empty KMS key", (it) => { it.kmsKeyARN = ""; }],
  ["a KMS key of 257 characters", (it) => { it.kmsKeyARN = LONG; }],
  ["an empty domain", domain("")],
  ["a domain of one label", domain("localhost")],
  ["an address as domain", domain("192.0.2.1")],
  ["a domain of 254 characters", domain([label(63), label(63), label(63), label(62)].join("."))],
  ["a label of 64 characters", domain(`${label(64)}.com`)],
  ["a label that ends with a hyphen", domain("a-.com")],
  ["a label that starts with a hyphen", domain("-a.com")],
  ["an empty label", domain("a..com")],
  ["a final dot", domain("example.com.")],
  ["a top-level domain of one letter", domain("example.c")],
  ["a top-level domain with a digit", domain("example.c0m")],
  ["a domain outside ASCII", domain("b\u00fccher.com")],
  ["another provider", (it) => { it.email = { provider: "smtp", key: "k" }; }],
  ["a provider by number", (it) => { it.email.provider = 0; }],
  ["SES with a key", (it) => { it.email.key = "k"; }],
  ["SES without a password", (it) => delete it.email.password],
  ["an empty password", (it) => { it.email.password = ""; }],
  ["a user name of 257 characters", (it) => { it.email.username = LONG; }],
  ["an empty SendGrid key", (it) => { it.email = { provider: "sendgrid", key: "" }; }],
  ["a mail service as an array", (it) => { it.email = ["ses", "a", "b"]; }],
  ["an SMS service with another member", (it) => { it.sms.more = 1; }],
  ["an SMS service as an array", (it) => { it.sms = Object.values(it.sms); }],
  ["an empty apiSID", (it) => { it.sms.apiSID = ""; }],
  ["an apiSecret of 257 characters", (it) => { it.sms.apiSecret = LONG; }],
  ["an empty serviceSID", (it) => { it.sms.serviceSID = ""; }],
  ["no signer's page", (it) => { it.signerPages = []; }],
  ["17 signer's pages", (it) => { it.signerPages = Array(17).fill("https://a.example/"); }],
  ["a page of 1025 characters", page(`https://a.example/${"p".repeat(1007)}`)],
  ["a page without TLS", page("http://a.example/")],
  ["a page on this machine", page("https://localhost/")],
  ["a page on an address", page("https://192.0.2.1/")],
  ["a page with a user name", page("https://user@a.example/")],
  ["a page with a query", page("https://a.example/?a")],
  ["a page with a fragment", page("https://a.example/#a")],
  ["a page with a space", page("https://a.example/a b")],
  ["a page with a quotation mark", page("https://a.example/\"")],
  ["a page with an apostrophe", page("https://a.example/'")],
  ["a page with a backslash", page("https://a.example\\b/")],
  ["a page with a brace", page("https://a.example/{")],
  ["a page outside ASCII", page("https://a.example/\u00fc")],
  ["a page on port 0", page("https://a.example:0/")],
  ["a page on port 65536", page("https://a.example:65536/")],
  ["a page with an empty port", page("https://a.example:/")],
  ["a relative page", page("/sign")],
  ["the second page is bad", (it) => { it.signerPages[1] = "https://localhost/"; }],
];

export function accounts() {
  const values = { id: header.account, domain: account.domain, kmsKeyARN: account.kmsKeyARN };
  const good = GOOD.map(([note, change]) => {
    const value = changed(account, change);
    const box = base64(accountBox(JSON.stringify(value)));
    return { note, accountBox: box, ok: { ...values, domain: value.domain } };
  });
  const refused = (note, members) => ({ note, ...members, refused: "account" });
  const texts = [
    ...badTexts(account, Object.keys(account).filter((name) => name !== "sms"), ["sms"]),
    ...BAD.map(([note, change]) => [note, JSON.stringify(changed(account, change))]),
    ["lowestProtocol 2.0", JSON.stringify(account).replace('l":2', 'l":2.0')],
    ["a lone surrogate", JSON.stringify(account).replace("mail password", "\\ud800")],
  ];
  const text = JSON.stringify(account);
  const box = Buffer.from(BOX, "base64");
  const boxOf = (where) => base64(sealBox(where, text, fixed("account box")));
  const end = box.length;
  const other = accountBox(text, "another account box");
  const boxes = [
    ["a changed bit in the random bytes", flipped(box, 0)],
    ["a changed bit in the commitment", flipped(box, 63, 7)],
    ["a changed bit in the ciphertext", flipped(box, 64)],
    ["a changed bit in the tag", flipped(box, -1)],
    ["without the last byte", box.subarray(0, end - 1)],
    ["one byte more", Buffer.concat([box, Buffer.alloc(1)])],
    ["79 bytes: shorter than an empty box", box.subarray(0, 79)],
    ["nothing", Buffer.alloc(0)],
    ["random bytes of another box", Buffer.concat([other.subarray(0, 32), box.subarray(32)])],
    ["commitment of another box", Buffer.concat([
      box.subarray(0, 32), other.subarray(32, 64), box.subarray(64),
    ])],
    ["ciphertext of another box", Buffer.concat([box.subarray(0, 64), other.subarray(64)])],
  ].map(([note, bytes]) => refused(note, { accountBox: base64(bytes) }));
  return [
    { note: "an account", text, ok: values },
    { note: "white space and another order", accountBox: base64(accountBox(
      `\n ${JSON.stringify(Object.fromEntries(Object.entries(account).reverse()), null, 2)}\t`,
    )), ok: values },
    ...good,
    ...texts.map(([note, bytes]) => refused(note, { accountBox: base64(accountBox(bytes)) })),
    refused("not UTF-8", { accountBox: base64(accountBox(Buffer.from([0x22, 0xff, 0x22]))) }),
    ...boxes,
    refused("sealed as a configuration", { accountBox: boxOf(slot("configuration", accountKey)) }),
    refused("sealed with a task", {
      accountBox: boxOf(slot("account", accountKey, fixed("task"))),
    }),
    refused("sealed with a context", {
      accountBox: boxOf(slot("account", accountKey, undefined, fixed("context"))),
    }),
    refused("another key", { accountKey: hex(flipped(Buffer.from(KEY, "hex"), -1)) }),
    refused("the key of a task", { accountKey: shared.taskKey }),
  ];
}
