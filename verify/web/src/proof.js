// A signed PDF against its proof: the checks of `letsesign-verify proof`, by the same names. docs/verify.md explains them.

const SPF_MAX = 16 << 20;
/** Nitro clocks of two machines differ by seconds; a confirmation later than the signed document by more than this is wrong. */
const CLOCK_TOLERANCE = 300;

const HASH = /^[0-9a-f]{64}$/;

/** The members of a proof file, or a refusal. */
function parseProof(bytes) {
  if (bytes.length > SPF_MAX) refuse(say`the proof file is too large`);
  const root = parseJson(fromUtf8(bytes, say`the proof file`), say`the proof file`).value;
  const member = (object, name, type) => {
    const found = object instanceof Map ? object.get(name) : undefined;
    if (found === undefined || found.value === null || (type === "list" ? !Array.isArray(found.value) : typeof found.value !== type)) {
      refuse(say`the proof file: ${name} is missing or of another type`);
    }
    return found;
  };
  const summary = member(root, "summary", "object");
  let document;
  try {
    document = fromBase64(member(root, "attestDoc", "string").value);
  } catch (problem) {
    if (problem instanceof Refusal) refuse(say`the proof file: attestDoc: ${problem.said}`);
    throw problem;
  }
  if (document.length > 16384) refuse(say`the proof file: attestDoc is too long`);
  // A protocol that is null is an unknown member of protocol 1, as letsesign-verify reads it.
  if ((summary.value.get?.("protocol")?.value ?? null) !== null) return { ...parseSummary2(summary), document };
  const text = (object, name) => member(object, name, "string").value;
  const magicNumber = text(summary.value, "magicNumber");
  const bindingDataHash = text(summary.value, "bindingDataHash");
  if (!HASH.test(magicNumber) || !HASH.test(bindingDataHash)) refuse(say`the proof file: a number has not 64 hexadecimal digits`);
  const top = ["payloadHash", "emailServiceProvider", "emailServiceDomain"];
  const version2 = summary.value.has(top[0]);
  const mixed = (name) => refuse(say`the proof file: of ${name} and the other members of version 2 some are missing: all of them or none`);
  const members = (object, names) => {
    for (const name of names) if (object.has(name) !== version2) mixed(name);
  };
  members(summary.value, top);
  const signers = member(summary.value, "signerList", "list").value.map(({ value }) => {
    const time = member(value, "signingTime", "number");
    if (!/^(?:0|[1-9]\d*)$/.test(time.text) || !Number.isSafeInteger(time.value)) refuse(say`the proof file: a signingTime is no time`);
    const ipAddress = text(value, "ipAddress");
    const part = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    if (!new RegExp(`^${part}(?:\\.${part}){3}$`).test(ipAddress)) refuse(say`the proof file: an ipAddress is no IPv4 address`);
    const phoneNumber = value.has("phoneNumber") ? text(value, "phoneNumber") : null;
    members(value, ["poiHash", "checkedBy"]);
    const signer = { name: text(value, "name"), emailAddr: text(value, "emailAddr"), ipAddress, signingTime: time.value, phoneNumber, poiHash: null, checkedBy: null };
    if (!version2) return signer;
    signer.poiHash = text(value, "poiHash");
    if (!HASH.test(signer.poiHash)) refuse(say`the proof file: a poiHash has not 64 hexadecimal digits`);
    const checkedBy = member(value, "checkedBy", "list").text;
    if (checkedBy !== (phoneNumber === null ? '["mail"]' : '["mail","sms"]')) refuse(say`the proof file: checkedBy does not fit the phoneNumber`);
    signer.checkedBy = phoneNumber === null ? say`mail` : say`mail and SMS`;
    return signer;
  });
  if (signers.length === 0 || signers.length > 1000) refuse(say`the proof file: there are not between 1 and 1000 signers`);
  const origin = version2 ? { payloadHash: text(summary.value, top[0]), provider: text(summary.value, top[1]), domain: text(summary.value, top[2]) } : null;
  if (version2) {
    if (!HASH.test(origin.payloadHash)) refuse(say`the proof file: payloadHash has not 64 hexadecimal digits`);
    if (!["ses", "sg"].includes(origin.provider)) refuse(say`the proof file: emailServiceProvider is neither ses nor sg`);
    const length = [...origin.domain].length;
    if (length === 0 || length > 256) refuse(say`the proof file: emailServiceDomain has not between 1 and 256 characters`);
  }
  return { summaryText: summary.text, document, magicNumber, bindingDataHash, signers, origin, facts: null };
}

/** What the NSM was given for these results; it has one spelling. `binding` is null for protocol 1. */
function expectedUserData(binding, pdfHash, summaryHash) {
  const fnName = "attachEsig";
  return JSON.stringify({
    ...(binding === null ? { fnName } : { protocol: 2, fnName, binding }),
    hashList: [{ name: "esigPDF", hash: pdfHash }, { name: "summary", hash: summaryHash }],
  });
}

/** Why user data is not what was expected. */
function explainUserData(actual, binding, pdfHash, summaryHash) {
  let parsed;
  try {
    parsed = JSON.parse(new TextDecoder().decode(actual));
  } catch {
    return say`what was attested is no list of hashes`;
  }
  if ((parsed?.binding ?? null) !== binding) return say`the attestation is for another task or protocol`;
  if (parsed?.fnName !== "attachEsig") return say`what was attested is not a signed document, but the result of another function`;
  const names = Array.isArray(parsed.hashList) ? parsed.hashList.map((item) => item?.name).join(", ") : "nothing";
  if (names !== "esigPDF, summary") return say`the attested hash list does not name the document and the list of signers`;
  if (parsed.hashList[0].hash !== pdfHash) return say`the PDF is not what was attested: it was changed, or belongs to another proof`;
  if (parsed.hashList[1].hash !== summaryHash) return say`the list of signers is not what was attested: it was changed, or belongs to another proof`;
  return say`what was attested is not written as the enclave writes it`;
}

/** Whether the line letsesign=true follows the last %%EOF: what the enclave puts at the end of every document that it signed. */
function hasTrailer(pdf) {
  const marker = [0x25, 0x25, 0x45, 0x4f, 0x46];
  let end = pdf.length - marker.length;
  while (end >= 0 && !marker.every((byte, index) => pdf[end + index] === byte)) end--;
  if (end < 0) return false;
  const blank = (byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d;
  let [from, to] = [end + marker.length, pdf.length];
  while (from < to && blank(pdf[from])) from++;
  while (from < to && blank(pdf[to - 1])) to--;
  return to - from === 14 && String.fromCharCode(...pdf.subarray(from, to)) === "letsesign=true";
}

/** The hash of a task payload: that of its compact text. */
async function payloadHash(bytes) {
  const payload = parseJson(fromUtf8(bytes, say`the task payload`), say`the task payload`);
  return sha256(new TextEncoder().encode(payload.text));
}

const asciiLower = (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** What version 2 of the summary says about task and mail account, compared with what the reader knows. */
function checkOrigin({ origin, facts }, asked, add) {
  if (origin === null) {
    add("summary-version", "warning", say`version 1 summary, does not say which payload and mail account it came from, nor how each signer was checked`);
    if (asked.payload !== null) add("payload", "failed", say`a version 1 summary does not say it`);
    if (asked.senderDomain !== null) add("sender-domain", "failed", say`a version 1 summary does not say it`);
    return;
  }
  if (facts === null) add("summary-version", "passed", say`version 2: names the payload, the mail account and how each signer was checked`);
  else add("summary-version", "passed", say`version 3 (protocol 2): names the task, the account, and how and in which round each signer was checked`);
  if (asked.payload !== null) {
    if (asked.payload === origin.payloadHash) add("payload", "passed", say`the document was signed for the given task payload`);
    else add("payload", "failed", say`the document was signed for another task payload: its hash is ${origin.payloadHash}`);
  }
  if (asked.senderDomain !== null) {
    if (asciiLower(asked.senderDomain) === asciiLower(origin.domain)) add("sender-domain", "passed", say`the mails came from ${origin.domain}`);
    else add("sender-domain", "failed", say`the mails came from another domain, ${origin.domain}`);
  }
}

/** The state of a release at a time: an end of life counts from its date on, a revocation always. */
function stateAt(status, time) {
  if (status.state === "end-of-life" && time < status.since) return "current";
  return status.state;
}

function statusText(status) {
  if (status.state === "current") return say`current`;
  const state = status.state === "revoked" ? say`revoked` : say`end-of-life`;
  return say`${state} since ${utc(status.since)}: ${status.reason}`;
}

/**
 * All checks.
 *
 * @param asked `{ binding, payload, senderDomain }`: hash, hash and domain that the reader knows, or null
 * @param settings `{ root: {name, sha256, test}, releases: [{name, pcrs, status, signature}], revocations: {signed, text} }`
 * @param now seconds since 1970
 * @returns `{ verdict, checks: [{name, outcome, text}], proof, signedAt, release, pcrs, pdfHash }`; outcomes are passed, warning, ended, failed
 */
async function checkProof(pdf, spfBytes, asked, settings, now) {
  const bindingHash = asked.binding;
  const proof = parseProof(spfBytes);
  const [pdfHash, summaryHash] = [await sha256(pdf), await sha256(new TextEncoder().encode(proof.summaryText))];
  const result = { proof, pdfHash, checks: [], attested: null, release: null, signersAttested: false };
  const add = (name, outcome, text) => result.checks.push({ name, outcome, text });
  try {
    result.attested = await verifyDocument(proof.document, settings.root.sha256, now);
    if (settings.root.test) add("attestation", "warning", say`certificates valid up to a TEST ROOT, which is NOT AWS's`);
    else add("attestation", "passed", say`made by an AWS Nitro enclave, certificates valid up to AWS's root when it was made`);
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    add("attestation", "failed", problem.said);
  }
  if (result.attested !== null) {
    checkRelease(result, settings, add);
    // A summary of protocol 2 needs a statement of protocol 2 about the same task.
    const binding = proof.facts === null ? null : proof.bindingDataHash;
    const wanted = expectedUserData(binding, pdfHash, summaryHash);
    const actual = result.attested.userData;
    if (actual !== null && equal(actual, new TextEncoder().encode(wanted))) {
      result.signersAttested = true;
      add("hashes", "passed", say`this PDF and this list of signers are what the enclave attested`);
    } else {
      add("hashes", "failed", actual === null ? say`nothing is attested: the user data is missing` : explainUserData(actual, binding, pdfHash, summaryHash));
    }
    const latest = Math.max(...proof.signers.map((signer) => signer.signingTime));
    if (latest > result.attested.time + CLOCK_TOLERANCE) add("times", "failed", say`a signer confirmed at ${utc(latest)}, after the document was signed`);
    else add("times", "passed", say`everybody confirmed before the document was signed`);
  }
  if (hasTrailer(pdf)) add("trailer", "passed", say`the PDF ends as signed documents do`);
  else add("trailer", "warning", say`the PDF does not end with the line letsesign=true, as signed documents do; was it saved again?`);
  if (bindingHash !== null) {
    if (bindingHash === proof.bindingDataHash) add("binding", "passed", say`the signature belongs to the task with the given hash`);
    else add("binding", "failed", say`the signature belongs to another task: its hash is ${proof.bindingDataHash}`);
  }
  checkOrigin(proof, asked, add);
  result.verdict = verdict(result, settings);
  return result;
}

function checkRelease(result, settings, add) {
  const { pcrs, time } = result.attested;
  // Of several releases of one image the worst: it does not become better by being released again.
  const rank = ({ status }) => ["current", "end-of-life", "revoked"].indexOf(status.state);
  const same = settings.releases.filter((known) => known.pcrs.every((pcr, index) => pcr === pcrs[index]));
  const release = same.sort((a, b) => rank(b) - rank(a))[0];
  if (release === undefined) return add("release", "failed", say`PCR0, PCR1 and PCR2 are not those of one release`);
  result.release = release;
  const [then, text] = [stateAt(release.status, time), statusText(release.status)];
  if (then !== "current") add("release", "ended", say`${release.name}, ${text}`);
  else add("release", "passed", release.status.state === "current" ? say`${release.name}, ${text}` : say`${release.name}, in use when it signed; ${text}`);
  add("release-signature", release.signed ? "passed" : "warning", say`the file of release ${release.name}: ${saidIn(release.signature)}`);
  add("status-signature", settings.revocations.signed ? "passed" : "warning", saidIn(settings.revocations.text));
}

function verdict(result, settings) {
  const has = (outcome) => result.checks.some((check) => check.outcome === outcome);
  if (has("failed") || result.attested === null) return "not-genuine";
  if (has("ended")) return "release-ended";
  return settings.root.test ? "test-only" : "genuine";
}
