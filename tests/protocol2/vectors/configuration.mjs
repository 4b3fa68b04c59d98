// Changes of the configuration: `[note, change]`, within the page's limits and outside them.

const signer = (change) => (it) => change(it.signers[0]);
const field = (change) => (it) => change(it.signers[0].fields[0]);
const set = (name, value) => (it) => { it[name] = value; };
const label = (length) => "d".repeat(length);

/** An address of 254 characters, and one of 255. */
const address = (last) => `a@${label(63)}.${label(63)}.${label(63)}.${label(last)}`;

export const GOOD = [
  ["without notificant and password", (it) => {
    delete it.notificant;
    delete it.password;
  }],
  ["an empty message", set("message", "")],
  ["a message of 2048 characters outside the BMP", set("message", "\u{1d4b5}".repeat(2048))],
  ["a file name of 256 characters", set("fileName", "\u{1d4b5}".repeat(256))],
  ["a password of 256 characters", set("password", "p".repeat(256))],
  ["a name of one character", signer(set("name", "\u738b"))],
  ["a name of 256 characters", signer(set("name", "n".repeat(256)))],
  ["a name with a zero-width joiner", signer(set("name", "a\u200db"))],
  ["an address of 254 characters", signer(set("email", address(60)))],
  ["an address with all that a local part may have", signer(
    set("email", "a.!#$%&'*+-/=?^_`{|}~@example.com"),
  )],
  ["a local part of 64 characters", signer(set("email", `${label(64)}@example.com`))],
  ["an unknown locale", signer(set("locale", "tlh"))],
  ["the shortest phone number", signer(set("phone", "+12"))],
  ["the longest phone number", signer(set("phone", `+${"1".repeat(15)}`))],
  ["many fields", signer((it) => { it.fields = Array(50).fill(it.fields[0]); })],
  ["the highest place", field((it) => Object.assign(it, { x: 9999, y: 9999, height: 9999 }))],
  ["the smallest field", field((it) => Object.assign(it, { x: 0, y: 0, height: 2 }))],
  ["fractions", field((it) => Object.assign(it, { x: 0.5, y: 9998.75, height: 2.125 }))],
];

const lines = ["\n", "\r", "\t", "\u0000", "\u007f", "\u0085", "\u2028", "\u2029"].map((it) =>
  [`a file name with U+${it.charCodeAt(0).toString(16).padStart(4, "0")}`, set("fileName", `a${it}b`)]);

const fields = [
  ["x -1", "x", -1],
  ["x below 0", "x", -0.001],
  ["x 9999.5", "x", 9999.5],
  ["x 10000", "x", 10_000],
  ["y -1", "y", -1],
  ["y 10000", "y", 10_000],
  ["height 1", "height", 1],
  ["height 1.999", "height", 1.999],
  ["height 10000", "height", 10_000],
  ["x in a text", "x", "72"],
  ["x null", "x", null],
  ["page 0", "page", 0],
  ["page 10000", "page", 10_000],
  ["page 1.5", "page", 1.5],
  ["another type", "type", "text"],
  ["a type in upper case", "type", "Signature"],
  ["a type as an object", "type", { signature: null }],
  ["an unknown member of a field", "width", 5],
].map(([note, name, value]) => [note, field(set(name, value))]);

const addresses = [
  ["no address", ""],
  ["an address without @", "ada.example.com"],
  ["two @", "a@b@example.com"],
  ["no local part", "@example.com"],
  ["a domain of one label in an address", "a@localhost"],
  ["an address literal", "a@[192.0.2.1]"],
  ["a quoted local part", "\"a\"@example.com"],
  ["two dots in a row", "a..b@example.com"],
  ["a dot at the end of the local part", "a.@example.com"],
  ["a space in an address", "a b@example.com"],
  ["a line break in an address", "a@example.com\n"],
  ["a display name", "Ada <ada@example.com>"],
  ["an address outside ASCII", "\u00fc@example.com"],
  ["an address of 255 characters", address(61)],
  ["a local part of 65 characters", `${label(65)}@example.com`],
].map(([note, value]) => [note, signer(set("email", value))]);

const phones = [
  ["an empty phone number", ""],
  ["a phone number without +", "886912345678"],
  ["a phone number with 0 behind +", "+0912345678"],
  ["a phone number of one digit", "+1"],
  ["a phone number of 16 digits", `+${"1".repeat(16)}`],
  ["a phone number with spaces", "+886 912345678"],
  ["a phone number in other digits", "+\u0661\u0662\u0663"],
  ["a phone number with a line break", "+886912345678\n"],
].map(([note, value]) => [note, signer(set("phone", value))]);

export const BAD = [
  ...lines,
  ...fields,
  ...addresses,
  ...phones,
  ["lowestProtocol 1", set("lowestProtocol", 1)],
  ["lowestProtocol 3", set("lowestProtocol", 3)],
  ["an empty file name", set("fileName", "")],
  ["a file name of 257 characters", set("fileName", "f".repeat(257))],
  ["a message of 2049 characters", set("message", "m".repeat(2049))],
  ["an empty password", set("password", "")],
  ["a password of 257 characters", set("password", "p".repeat(257))],
  ["another domain", set("domain", "example.org")],
  ["another mail provider than the account's", set("emailProvider", "sendgrid")],
  ["an unknown mail provider", set("emailProvider", "smtp")],
  ["the mail provider as a summary spells it", set("emailProvider", "sg")],
  ["a mail provider in upper case", set("emailProvider", "SES")],
  ["an empty mail provider", set("emailProvider", "")],
  ["a mail provider by number", set("emailProvider", 0)],
  ["a mail provider as an object", set("emailProvider", { ses: null })],
  ["a mail provider as an array", set("emailProvider", ["ses"])],
  ["a signer's page that the account lacks", set("signerPage", "https://evil.example/")],
  ["a notificant without an address", (it) => delete it.notificant.email],
  ["a notificant with a bad address", (it) => { it.notificant.email = "office"; }],
  ["a notificant without a locale", (it) => delete it.notificant.locale],
  ["a notificant with an empty locale", (it) => { it.notificant.locale = ""; }],
  ["a notificant with another member", (it) => { it.notificant.name = "n"; }],
  ["a notificant as an array", (it) => { it.notificant = Object.values(it.notificant); }],
  ["no signers", set("signers", [])],
  ["one signer fewer", (it) => it.signers.pop()],
  ["one signer more", (it) => it.signers.push(it.signers[0])],
  ["an empty name", signer(set("name", ""))],
  ["a name of 257 characters", signer(set("name", "n".repeat(257)))],
  ["a name with a line break", signer(set("name", "a\u2028b"))],
  ["an empty locale", signer(set("locale", ""))],
  ["a locale of 257 characters", signer(set("locale", "l".repeat(257)))],
  ["a locale with a line break", signer(set("locale", "en\n"))],
  ["phone null", signer(set("phone", null))],
  ["no fields", signer(set("fields", []))],
  ["a field as an array", signer((it) => { it.fields = it.fields.map(Object.values); })],
  ["a signer without fields", signer((it) => delete it.fields)],
  ["a signer with another member", signer(set("role", "witness"))],
  ["a signer as an array", (it) => { it.signers[0] = Object.values(it.signers[0]); }],
  ["a signer's phone is bad, the second's too", (it) => { it.signers[1].phone = "1"; }],
];
