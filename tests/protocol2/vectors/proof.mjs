// Vectors of proofs, user data and summaries.

import { sha256 } from "../crypto.mjs";
import { phoneHash } from "../proofs.mjs";
import { badTexts, base64, fixed, hex, requestKeys, sealed } from "./fixed.mjs";

const keys = requestKeys(1, 3);
const binding = hex(sealed.binding);
const salt = fixed("salt", 16);
const AT = 1_790_000_000_000;
const BOTH = ["mail", "sms"];

const asked = (kind) => ({ protocol: 2, kind, binding, signer: 1, round: 3 });

/** A proof of each kind. */
export const PROOFS = {
  por: {
    ...asked("por"),
    linkKey: base64(keys.linkPublic),
    answerKey: base64(keys.answerPublic),
    expiry: 1_900_000_000_000,
    checkedBy: BOTH,
  },
  poi: {
    ...asked("poi"),
    porHash: hex(fixed("por")),
    porTime: AT,
    ipAddress: "192.0.2.7",
    answeredAt: AT + 1,
    answerHash: hex(fixed("answer")),
    checkedBy: BOTH,
    phoneSalt: hex(salt),
    phoneHash: hex(phoneHash(salt, "+886912345678")),
  },
  decline: {
    ...asked("decline"),
    porHash: hex(fixed("por")),
    ipAddress: "2001:db8::7",
    answeredAt: AT + 1,
    answerHash: hex(fixed("answer")),
  },
  void: { protocol: 2, kind: "void", binding, at: AT, statements: hex(fixed("statements")) },
};

const POI_BY_MAIL = { ...PROOFS.poi, checkedBy: ["mail"] };
delete POI_BY_MAIL.phoneSalt;
delete POI_BY_MAIL.phoneHash;

/** Addresses: the one spelling of each, and others. */
const ADDRESSES = [
  "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::", "2001:db8:0:1:1:1:1:1",
  "2001:db8::1:0:0:1", "::ffff:192.0.2.1", "::ffff:0:1", "::192.0.2.1",
  "fe80::1:2:3:4", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
].map((address) => [address, address !== "::192.0.2.1" && address !== "::ffff:0:1"]);

const OTHER_ADDRESSES = [
  "", "192.0.2", "192.0.2.07", "192.0.2.256", "0xc0.0.2.1", "3221225985", "192.0.2.1 ",
  "192.0.2.1:443", "[::1]", "2001:DB8::1", "2001:0db8::1", "2001:db8:0:0:0:0:0:1", "1::2::3",
  "2001:db8::0:1", "2001:db8::1:1:1:1:1", "::ffff:c000:201", "fe80::1%eth0", "localhost",
];

/** A vector of a text that is no proof of this kind. */
export const refusedAs = (proof) => (note, text) =>
  ({ note: `${proof}: ${note}`, proof, text, refused: "proof" });

/** A vector of a proof of this kind. */
export const goodAs = (proof) => (note, value) => {
  const text = JSON.stringify(value);
  return { note: `${proof}: ${note}`, proof, text, ok: { hash: hex(sha256(text)) } };
};

/** What every kind of proof refuses. */
function common(proof) {
  const refused = refusedAs(proof);
  const value = PROOFS[proof];
  const text = JSON.stringify(value);
  const other = (members) => JSON.stringify({ ...value, ...members });
  const kinds = Object.keys(PROOFS).filter((kind) => kind !== proof);
  const two = Object.keys(value).slice(-2);
  const swapped = Object.fromEntries(Object.entries(value).sort(([left], [right]) =>
    (two.includes(left) && two.includes(right) ? -left.localeCompare(right) : 0)));
  return [
    goodAs(proof)("a proof", value),
    ...badTexts(value, Object.keys(value)).map(([note, bad]) => refused(note, bad)),
    ...kinds.map((kind) => refused(`a proof of kind ${kind}`, JSON.stringify(PROOFS[kind]))),
    ...kinds.map((kind) => refused(`kind ${kind} with its own members`, other({ kind }))),
    refused("white space before", ` ${text}`),
    refused("a line feed behind", `${text}\n`),
    refused("white space within", text.replace(":2,", ": 2,")),
    refused("an escaped name", text.replace('"kind"', '"k\\u0069nd"')),
    refused("an escaped value", text.replace(`"${proof}"`, `"\\u${
      proof.charCodeAt(0).toString(16).padStart(4, "0")}${proof.slice(1)}"`)),
    refused("the last two members in another order", JSON.stringify(swapped) === text
      ? JSON.stringify(Object.fromEntries(Object.entries(value).reverse()))
      : JSON.stringify(swapped)),
    refused("protocol 1", other({ protocol: 1 })),
    refused("protocol 3", other({ protocol: 3 })),
    refused("protocol 2.0", text.replace(":2,", ":2.0,")),
    refused("protocol as a text", other({ protocol: "2" })),
    refused("a binding in upper case", other({ binding: binding.toUpperCase() })),
    refused("a binding of 31 bytes", other({ binding: binding.slice(2) })),
    refused("a binding in base64", other({ binding: base64(sealed.binding) })),
    refused("kind as an object", other({ kind: { [proof]: null } })),
    refused("truncated", text.slice(0, -1)),
  ];
}

function limits() {
  const of = (proof, members, note) => {
    const text = JSON.stringify({ ...PROOFS[proof], ...members });
    return refusedAs(proof)(note ?? `${Object.entries(members)}`, text);
  };
  const good = (proof, members) =>
    goodAs(proof)(`${Object.entries(members)}`, { ...PROOFS[proof], ...members });
  const kinds = ["por", "poi", "decline"];
  const most = 2 ** 53 - 1;
  const times = [["por", "expiry"], ["poi", "porTime"], ["poi", "answeredAt"],
    ["decline", "answeredAt"], ["void", "at"]];
  const point = keys.linkPublic;
  const fromText = (proof, from, to) =>
    refusedAs(proof)(`${to} for ${from}`, JSON.stringify(PROOFS[proof]).replace(from, to));
  return [
    ...kinds.flatMap((kind) => [
      good(kind, { signer: 0, round: 1 }), good(kind, { signer: 999, round: 1_000_000 }),
      of(kind, { signer: 1000 }), of(kind, { signer: -1 }), of(kind, { round: 0 }),
      of(kind, { round: 1_000_001 }),
    ]),
    ...times.flatMap(([kind, member]) => [
      good(kind, { [member]: 0 }), good(kind, { [member]: most }), of(kind, { [member]: -1 }),
      fromText(kind, `"${member}":${PROOFS[kind][member]}`, `"${member}":9007199254740992`),
      fromText(kind, `"${member}":${PROOFS[kind][member]}`, `"${member}":1e3`),
    ]),
    ...["linkKey", "answerKey"].flatMap((member) => [
      of("por", { [member]: base64(point.subarray(1)) }, `${member} of 64 bytes`),
      of("por", { [member]: hex(point) }, `${member} in hex`),
      of("por", { [member]: point.toString("base64url") }, `${member} without padding`),
    ]),
    ...[[], ["sms"], ["sms", "mail"], ["mail", "mail"], ["mail", "sms", "sms"], "mail", ["Mail"]]
      .map((checkedBy) => of("por", { checkedBy }, `checkedBy ${JSON.stringify(checkedBy)}`)),
    good("por", { checkedBy: ["mail"] }),
    goodAs("poi")("by mail alone", POI_BY_MAIL),
    of("poi", { checkedBy: ["mail"] }),
    refusedAs("poi")("sms without a phone", JSON.stringify({ ...POI_BY_MAIL, checkedBy: BOTH })),
    refusedAs("poi")("a salt alone", JSON.stringify({ ...POI_BY_MAIL, phoneSalt: hex(salt) })),
    of("poi", { phoneSalt: hex(salt).toUpperCase() }, "a salt in upper case"),
    of("poi", { phoneSalt: hex(salt).slice(2) }, "a salt of 15 bytes"),
    of("poi", { phoneSalt: `${hex(salt)}00` }, "a salt of 17 bytes"),
    ...["poi", "decline"].flatMap((kind) => [
      ...ADDRESSES.filter(([, right]) => right).map(([ipAddress]) => good(kind, { ipAddress })),
      ...[...ADDRESSES.filter(([, right]) => !right).map(([address]) => address),
        ...OTHER_ADDRESSES].map((ipAddress) => of(kind, { ipAddress }, `address "${ipAddress}"`)),
    ]),
  ];
}

export const proofs = () => [...Object.keys(PROOFS).flatMap(common), ...limits()];

const FUNCTIONS = {
  sendReq: ["por"], confirmIntent: ["poi"], decline: ["decline"], voidTask: ["void"],
  attachEsig: ["esigPDF", "summary"],
};

export function statementsOfUserData() {
  return Object.entries(FUNCTIONS).flatMap(([fnName, names]) => {
    const results = names.map((name) => [name, hex(fixed(name, 5))]);
    const hashList = results.map(([name, bytes]) =>
      ({ name, hash: hex(sha256(Buffer.from(bytes, "hex"))) }));
    const value = { protocol: 2, fnName, binding, hashList };
    const base = { fnName, binding, results };
    const refused = (note, text) =>
      ({ note: `${fnName}: ${note}`, ...base, text, refused: "user-data" });
    const other = (members) => JSON.stringify({ ...value, ...members });
    const { protocol: _, binding: __, ...old } = value;
    const spelt = JSON.stringify(value);
    const wrong = [{ ...hashList[0], hash: hex(fixed("other")) }, ...hashList.slice(1)];
    return [
      { note: fnName, ...base, text: spelt, ok: {} },
      refused("protocol 1", JSON.stringify(old)),
      refused("without the binding", JSON.stringify({ protocol: 2, ...old })),
      refused("without the protocol", JSON.stringify({ fnName, binding, hashList })),
      refused("another protocol", other({ protocol: 3 })),
      refused("another task", other({ binding: hex(fixed("other binding")) })),
      refused("another function", other({ fnName: fnName === "sendReq" ? "decline" : "sendReq" })),
      refused("an unknown function", other({ fnName: "selfTest" })),
      refused("another hash", other({ hashList: wrong })),
      refused("no hash", other({ hashList: [] })),
      refused("one hash more", other({ hashList: [...hashList, hashList[0]] })),
      refused("another name", other({ hashList: [{ ...hashList[0], name: "x" }] })),
      refused("binding null", other({ binding: null })),
      refused("white space", ` ${spelt}`),
      refused("another order", JSON.stringify({ fnName, protocol: 2, binding, hashList })),
      refused("an unknown member", other({ more: 1 })),
    ];
  });
}

const SUMMARY = {
  protocol: 2,
  binding,
  account: hex(fixed("account")),
  emailServiceProvider: "ses",
  emailServiceDomain: "example.com",
  inOrder: true,
  statements: hex(fixed("statements")),
  magicNumber: hex(fixed("magic number")),
  signerList: [
    {
      name: "Ada \"the\" L.\u2028</script>", emailAddr: "ada@example.com", checkedBy: ["mail"],
      ipAddress: "192.0.2.7", round: 1, porTime: AT, answeredAt: AT + 5,
      signingTime: Math.floor(AT / 1000), poiHash: hex(fixed("poi 0")),
    },
    {
      name: "\u738b\u5c0f\u660e", emailAddr: "wang@example.org", phoneNumber: "+886912345678",
      checkedBy: BOTH, ipAddress: "2001:db8::7", round: 1_000_000, porTime: 0,
      answeredAt: 2 ** 53 - 1, signingTime: 2 ** 53 - 1, poiHash: hex(fixed("poi 1")),
    },
  ],
};

const DOCUMENT = fixed("not really an attestation document", 40);

const spf = (summary) =>
  `{"summary":${typeof summary === "string" ? summary : JSON.stringify(summary)},"attestDoc":"${
    base64(DOCUMENT)}"}`;

export function spfs() {
  const values = (summary) => ({
    summaryHash: hex(sha256(JSON.stringify(summary))),
    binding,
    signers: summary.signerList.map(({ name }) => name),
    attestDoc: hex(DOCUMENT),
  });
  const good = (note, summary, file = spf(summary)) => ({ note, file, ok: values(summary) });
  const refused = (note, file) => ({ note, file, refused: "spf" });
  const other = (members) => ({ ...SUMMARY, ...members });
  const first = (members) => other({ signerList: [{ ...SUMMARY.signerList[0], ...members }] });
  const [one, two] = SUMMARY.signerList;
  const reversed = (it) => Object.fromEntries(Object.entries(it).reverse());
  const { binding: _, ...unbound } = SUMMARY;
  const text = JSON.stringify(SUMMARY);
  const ofSigner = badTexts(one, Object.keys(one), ["phoneNumber"])
    .filter(([note]) => !["a byte order mark", "text behind the object", "no text"].includes(note));
  return [
    good("a summary", SUMMARY),
    good("one signer", other({ signerList: [two] })),
    good("SendGrid, out of order", other({ emailServiceProvider: "sg", inOrder: false })),
    good("white space", SUMMARY, JSON.stringify(JSON.parse(spf(SUMMARY)), null, 2)),
    good("other members beside the summary", SUMMARY, spf(SUMMARY).replace("{", '{"more":[1.5],')),
    good("escapes in the file", SUMMARY, spf(text.replace("example.com", "ex\\u0061mple.com"))),
    good("a domain of 256 characters", other({ emailServiceDomain: "\u{1d4b5}".repeat(256) })),
    ...badTexts(SUMMARY, Object.keys(SUMMARY)).map(([note, bad]) => refused(note, spf(bad))),
    ...ofSigner.map(([note, bad]) => refused(`a signer: ${note}`, spf(
      text.replace(JSON.stringify(one), () => bad),
    ))),
    refused("another order", spf(reversed(SUMMARY))),
    refused("another order in a signer", spf(other({ signerList: [reversed(one), two] }))),
    refused("without protocol and with the binding's old name", spf({
      ...unbound, bindingDataHash: binding,
    })),
    refused("protocol 1", spf(other({ protocol: 1 }))),
    refused("protocol 3", spf(other({ protocol: 3 }))),
    refused("protocol 2.0", spf(text.replace(":2,", ":2.0,"))),
    refused("no signers", spf(other({ signerList: [] }))),
    refused("another provider", spf(other({ emailServiceProvider: "sendgrid" }))),
    refused("a provider as an object", spf(other({ emailServiceProvider: { ses: null } }))),
    refused("an empty domain", spf(other({ emailServiceDomain: "" }))),
    refused("a domain of 257 characters", spf(other({ emailServiceDomain: "d".repeat(257) }))),
    refused("a hash in upper case", spf(other({ account: SUMMARY.account.toUpperCase() }))),
    refused("a magic number of 16 bytes", spf(other({ magicNumber: hex(salt) }))),
    refused("sms without a number", spf(first({ checkedBy: BOTH }))),
    refused("a number without sms", spf(first({ phoneNumber: "+12" }))),
    refused("round 0", spf(first({ round: 0 }))),
    refused("round 1,000,001", spf(first({ round: 1_000_001 }))),
    refused("porTime 2^53", spf(text.replace(`"porTime":${AT}`, '"porTime":9007199254740992'))),
    refused("signingTime with a fraction", spf(text.replace(
      `"signingTime":${AT / 1000}`, '"signingTime":1.0',
    ))),
    refused("an address in upper case", spf(first({ ipAddress: "2001:DB8::7" }))),
    refused("the attestation document in base64url", spf(SUMMARY).replace(
      base64(DOCUMENT), `-_${base64(DOCUMENT).slice(2)}`,
    )),
    refused("without an attestation document", `{"summary":${text}}`),
    refused("without a summary", `{"attestDoc":"${base64(DOCUMENT)}"}`),
    refused("a summary twice", spf(SUMMARY).replace("{", `{"summary":${text},`)),
    refused("an array", `[${text},"${base64(DOCUMENT)}"]`),
  ];
}
