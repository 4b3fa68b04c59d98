// The summary of protocol 2 (docs/protocol-2.md, "Proofs"). It has one spelling: these members, in
// this order, and nothing else.

const SUMMARY_MEMBERS = "protocol,binding,account,emailServiceProvider,emailServiceDomain,inOrder,statements,magicNumber,signerList";
const SIGNER_MEMBERS = "name,emailAddr,checkedBy,ipAddress,round,porTime,answeredAt,signingTime,poiHash";
const ROUND_MAX = 1_000_000;

/** Whether an address has its one form: IPv4 in dotted decimal, or IPv6 as RFC 5952 writes it. */
function isAddress(address) {
  const part = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  if (new RegExp(`^${part}(?:\\.${part}){3}$`).test(address)) return true;
  if (!/^[0-9a-f:.]+$/.test(address)) return false;
  let form;
  try {
    form = new URL(`http://[${address}]`).hostname.slice(1, -1);
  } catch {
    return false;
  }
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(form);
  if (mapped !== null) {
    const [high, low] = mapped.slice(1).map((digits) => parseInt(digits, 16));
    form = `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  return form === address;
}

/** The facts of a summary of protocol 2, or a refusal. `summary` is what parseJson returns for it. */
function parseSummary2(summary) {
  const bad = (name) => refuse(say`the proof file: ${name} of a summary of protocol 2 is missing, in another place or not what it should be`);
  const names = (map) => [...map.keys()].join();
  const value = (map, name, right) => {
    const found = map.get(name);
    if (found === undefined || !right(found)) bad(name);
    return found.value;
  };
  const text = (map, name, right) => value(map, name, (found) => typeof found.value === "string" && right(found.value));
  const hash = (map, name) => text(map, name, (found) => HASH.test(found));
  const whole = (map, name, least, most) =>
    value(map, name, ({ value: number, text: spelt }) => /^(?:0|[1-9]\d*)$/.test(spelt) && number >= least && number <= most);
  const time = (map, name) => whole(map, name, 0, Number.MAX_SAFE_INTEGER);

  const top = summary.value;
  if (names(top) !== SUMMARY_MEMBERS) bad(say`a member`);
  value(top, "protocol", (found) => found.text === "2");
  const binding = hash(top, "binding");
  const provider = text(top, "emailServiceProvider", (found) => found === "ses" || found === "sg");
  const domain = text(top, "emailServiceDomain", (found) => found !== "" && [...found].length <= 256);
  const list = value(top, "signerList", (found) => Array.isArray(found.value) && found.value.length >= 1 && found.value.length <= 1000);
  const signers = list.map(({ value: signer }) => {
    if (!(signer instanceof Map)) bad(say`a signer`);
    const phone = signer.has("phoneNumber");
    if (names(signer) !== (phone ? SIGNER_MEMBERS.replace("checkedBy", "phoneNumber,checkedBy") : SIGNER_MEMBERS)) bad(say`a signer's member`);
    value(signer, "checkedBy", (found) => found.text === (phone ? '["mail","sms"]' : '["mail"]'));
    return {
      name: text(signer, "name", () => true),
      emailAddr: text(signer, "emailAddr", () => true),
      phoneNumber: phone ? text(signer, "phoneNumber", () => true) : null,
      checkedBy: phone ? say`mail and SMS` : say`mail`,
      ipAddress: text(signer, "ipAddress", isAddress),
      round: whole(signer, "round", 1, ROUND_MAX),
      porTime: time(signer, "porTime"),
      answeredAt: time(signer, "answeredAt"),
      signingTime: time(signer, "signingTime"),
      poiHash: hash(signer, "poiHash"),
    };
  });
  const facts = {
    account: hash(top, "account"),
    inOrder: value(top, "inOrder", (found) => typeof found.value === "boolean"),
    statements: hash(top, "statements"),
  };
  const magicNumber = hash(top, "magicNumber");
  return { summaryText: summary.text, magicNumber, bindingDataHash: binding, signers, origin: { payloadHash: binding, provider, domain }, facts };
}
