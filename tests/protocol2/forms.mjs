// Accounts, headers, configurations and statements ("The account", "The task", "Statements").

import { check } from "./crypto.mjs";
import {
  array, decimal, encoded, flag, hash, line, object, one, pattern, read, text, time, whole,
} from "./json.mjs";

const short = text(1, 256);
const E164 = /^\+[1-9][0-9]{1,14}$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
const TOP = /^(?:[a-z]{2,}|xn--.*)$/i;
const ATOM = /^[a-z0-9!#$%&'*+\-/=?^_`{|}~]+$/i;
const PAGE = /^https:\/\/([^/:]*)(?::([0-9]+))?(?:\/[!$-&(-;=@-[\]_a-z~]*)?$/i;

const isDomain = (value) => {
  const labels = value.split(".");
  const right = labels.every((label) => LABEL.test(label)) && TOP.test(labels.at(-1));
  return value.length <= 253 && labels.length >= 2 && right;
};

function domain(value, name) {
  check(isDomain(text(1, 256)(value, name)), `${name} is not a domain`);
  return value;
}

function address(value, name) {
  const [local, host, ...rest] = text(1, 254)(value, name).split("@");
  const right = local.length <= 64 && local.split(".").every((atom) => ATOM.test(atom));
  check(right && rest.length === 0 && isDomain(host ?? ""), `${name} is not an address`);
  return value;
}

/** The URL of a signer's page. */
function page(value, name) {
  text(1, 1024)(value, name);
  const parts = PAGE.exec(value);
  check(parts, `${name} is not an https URL without query and fragment`);
  const port = Number(parts[2] ?? 443);
  check(isDomain(parts[1]) && port >= 1 && port <= 65_535, `${name} has another host or port`);
  return value;
}

const email = (value, name) => {
  const kind = value instanceof Map ? value.get("provider") : undefined;
  const ses = { provider: one("ses"), username: short, password: short };
  return object(kind === "ses" ? ses : { provider: one("sendgrid"), key: short })(value, name);
};

const account = object({
  accountSecret: encoded("base64", 32),
  lowestProtocol: whole(2),
  kmsKeyARN: short,
  domain,
  email,
  signerPages: array(1, 16, page),
}, { sms: object({ apiSID: short, apiSecret: short, serviceSID: short }) });

export const readAccount = (bytes) => read(bytes, 65_536, account);

const header = object({
  protocol: one(2),
  task: hash,
  account: hash,
  kmsKeyARN: pattern(/^[!-~]{1,256}$/),
  signers: whole(1, 1000),
  inOrder: flag,
  expiry: time,
});

export const readHeader = (bytes) => read(bytes, 2048, header);

const field = object({
  type: one("signature", "date"),
  page: whole(1, 9999),
  x: decimal(0, 9999),
  y: decimal(0, 9999),
  height: decimal(2, 9999),
});

const signer = object({
  name: line(1, 256),
  email: address,
  locale: line(1, 256),
  fields: array(1, 10_000, field),
}, { phone: pattern(E164) });

const configuration = object({
  lowestProtocol: whole(2),
  domain,
  emailProvider: one("ses", "sendgrid"),
  signerPage: page,
  fileName: line(1, 256),
  message: text(0, 2048),
  signers: array(1, 1000, signer),
}, { notificant: object({ email: address, locale: line(1, 256) }), password: short });

export function readConfiguration(bytes) {
  const value = read(bytes, 4 << 20, configuration);
  const fields = value.signers.reduce((sum, { fields: { length } }) => sum + length, 0);
  check(fields <= 10_000, "more than 10,000 fields");
  return value;
}

/** The rules between the parts of a task; `accountId` is the identity of the account. */
export function belong(ofAccount, accountId, ofHeader, ofConfiguration) {
  check(ofHeader.account.equals(accountId), "the header names another account");
  check(ofHeader.kmsKeyARN === ofAccount.kmsKeyARN, "the header names another KMS key");
  check(ofAccount.lowestProtocol <= 2, "the account demands a later protocol");
  check(ofConfiguration.lowestProtocol <= 2, "the configuration demands a later protocol");
  check(ofConfiguration.domain === ofAccount.domain, "another domain");
  check(ofConfiguration.emailProvider === ofAccount.email.provider, "another mail provider");
  check(ofAccount.signerPages.includes(ofConfiguration.signerPage), "another signer's page");
  check(ofConfiguration.signers.length === ofHeader.signers, "another number of signers");
  const phone = ofConfiguration.signers.some((one) => one.phone !== undefined);
  check(!phone || ofAccount.sms, "phone numbers without an account for SMS");
}

const statement = (value, name) => {
  const kind = value instanceof Map ? value.get("kind") : undefined;
  const started = { kind: one("newRound"), at: time, signer: whole(0, 999) };
  const form = kind === "void"
    ? object({ kind: one("void"), at: time }, { reason: text(0, 1000) })
    : object({ ...started, round: whole(2, 1_000_000) });
  return form(value, name);
};

export const readStatement = (bytes) => read(bytes, 8192, statement);
