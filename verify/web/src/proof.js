// A signed PDF against its proof: the checks of `letsesign-verify proof`, by the same names. docs/verify.md explains them.

const SPF_MAX = 16 << 20;
/** Nitro clocks of two machines differ by seconds; a confirmation later than the signed document by more than this is wrong. */
const CLOCK_TOLERANCE = 300;

const HASH = /^[0-9a-f]{64}$/;

/** The members of a proof file, or a refusal. */
function parseProof(bytes) {
  if (bytes.length > SPF_MAX) refuse("the proof file is too large");
  const root = parseJson(fromUtf8(bytes, "the proof file"), "the proof file").value;
  const member = (object, name, type) => {
    const found = object instanceof Map ? object.get(name) : undefined;
    if (found === undefined || (type === "list" ? !Array.isArray(found.value) : typeof found.value !== type)) {
      refuse(`the proof file: ${name} is missing or of another type`);
    }
    return found;
  };
  const summary = member(root, "summary", "object");
  let document;
  try {
    document = fromBase64(member(root, "attestDoc", "string").value);
  } catch (problem) {
    if (problem instanceof Refusal) refuse(`the proof file: attestDoc: ${problem.message}`);
    throw problem;
  }
  const text = (object, name) => member(object, name, "string").value;
  const magicNumber = text(summary.value, "magicNumber");
  const bindingDataHash = text(summary.value, "bindingDataHash");
  if (!HASH.test(magicNumber) || !HASH.test(bindingDataHash)) refuse("the proof file: a number has not 64 hexadecimal digits");
  const signers = member(summary.value, "signerList", "list").value.map(({ value }) => {
    const signingTime = member(value, "signingTime", "number").value;
    if (!Number.isSafeInteger(signingTime) || signingTime < 0) refuse("the proof file: a signingTime is no time");
    return {
      name: text(value, "name"),
      emailAddr: text(value, "emailAddr"),
      ipAddress: text(value, "ipAddress"),
      signingTime,
      phoneNumber: value.has("phoneNumber") ? text(value, "phoneNumber") : null,
    };
  });
  if (signers.length === 0) refuse("the proof file: there are no signers");
  return { summaryText: summary.text, document, magicNumber, bindingDataHash, signers };
}

/** What the NSM was given for these results; it has one spelling. */
function expectedUserData(pdfHash, summaryHash) {
  return JSON.stringify({
    fnName: "attachEsig",
    hashList: [{ name: "esigPDF", hash: pdfHash }, { name: "summary", hash: summaryHash }],
  });
}

/** Why user data is not what was expected. */
function explainUserData(actual, pdfHash, summaryHash) {
  let parsed;
  try {
    parsed = JSON.parse(new TextDecoder().decode(actual));
  } catch {
    return "what was attested is no list of hashes";
  }
  if (parsed?.fnName !== "attachEsig") return "what was attested is not a signed document, but the result of another function";
  const names = Array.isArray(parsed.hashList) ? parsed.hashList.map((item) => item?.name).join(", ") : "nothing";
  if (names !== "esigPDF, summary") return "the attested hash list does not name the document and the list of signers";
  if (parsed.hashList[0].hash !== pdfHash) return "the PDF is not what was attested: it was changed, or belongs to another proof";
  if (parsed.hashList[1].hash !== summaryHash) return "the list of signers is not what was attested: it was changed, or belongs to another proof";
  return "what was attested is not written as the enclave writes it";
}

/** Whether the line letsesign=true follows the last %%EOF: what the enclave puts at the end of every document that it signed. */
function hasTrailer(pdf) {
  const tail = String.fromCharCode(...pdf.subarray(Math.max(0, pdf.length - 1024)));
  const end = tail.lastIndexOf("%%EOF");
  return end >= 0 && tail.slice(end + 5).trim() === "letsesign=true";
}

/** How a release stands at a time: an end of life counts from its date on, a revocation always. */
function stateAt(status, time) {
  if (status.state === "end-of-life" && time < status.since) return "current";
  return status.state;
}

function statusText(status) {
  if (status.state === "current") return "current";
  return `${status.state} since ${utc(status.since)}: ${status.reason}`;
}

/**
 * All checks.
 *
 * @param settings `{ root: {name, sha256, test}, releases: [{name, pcrs, status, signature}] }`
 * @param now seconds since 1970
 * @returns `{ verdict, checks: [{name, outcome, text}], proof, signedAt, release, pcrs, pdfHash }`; outcomes are passed, warning, ended, failed
 */
async function checkProof(pdf, spfBytes, bindingHash, settings, now) {
  const proof = parseProof(spfBytes);
  const [pdfHash, summaryHash] = [await sha256(pdf), await sha256(new TextEncoder().encode(proof.summaryText))];
  const result = { proof, pdfHash, checks: [], attested: null, release: null, signersAttested: false };
  const add = (name, outcome, text) => result.checks.push({ name, outcome, text });
  try {
    result.attested = await verifyDocument(proof.document, settings.root.sha256, now);
    if (settings.root.test) add("attestation", "warning", "certificates valid up to a TEST ROOT, which is NOT AWS's");
    else add("attestation", "passed", "made by an AWS Nitro enclave, certificates valid up to AWS's root when it was made");
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    add("attestation", "failed", problem.message);
  }
  if (result.attested !== null) {
    checkRelease(result, settings, add);
    const wanted = expectedUserData(pdfHash, summaryHash);
    const actual = result.attested.userData;
    if (actual !== null && equal(actual, new TextEncoder().encode(wanted))) {
      result.signersAttested = true;
      add("hashes", "passed", "this PDF and this list of signers are what the enclave attested");
    } else {
      add("hashes", "failed", actual === null ? "nothing is attested: there is no user data" : explainUserData(actual, pdfHash, summaryHash));
    }
    const latest = Math.max(...proof.signers.map((signer) => signer.signingTime));
    if (latest > result.attested.time + CLOCK_TOLERANCE) add("times", "failed", `a signer confirmed at ${utc(latest)}, after the document was signed`);
    else add("times", "passed", "everybody confirmed before the document was signed");
  }
  if (hasTrailer(pdf)) add("trailer", "passed", "the PDF ends as signed documents do");
  else add("trailer", "failed", "the PDF does not end with the line letsesign=true: it is not the signed document, or was saved again");
  if (bindingHash !== null) {
    if (bindingHash === proof.bindingDataHash) add("binding", "passed", "the signature belongs to the task with the given hash");
    else add("binding", "failed", `the signature belongs to another task: its hash is ${proof.bindingDataHash}`);
  }
  result.verdict = verdict(result, settings);
  return result;
}

function checkRelease(result, settings, add) {
  const { pcrs, time } = result.attested;
  const release = settings.releases.find((known) => known.pcrs.every((pcr, index) => pcr === pcrs[index]));
  if (release === undefined) return add("release", "failed", "PCR0, PCR1 and PCR2 are not those of one release");
  result.release = release;
  const [then, text] = [stateAt(release.status, time), statusText(release.status)];
  if (then !== "current") add("release", "ended", `${release.name}, ${text}`);
  else add("release", "passed", release.status.state === "current" ? `${release.name}, ${text}` : `${release.name}, in use when it signed; ${text}`);
  add("release-signature", release.signed ? "passed" : "warning", `the file of release ${release.name}: ${release.signature}`);
}

function verdict(result, settings) {
  const has = (outcome) => result.checks.some((check) => check.outcome === outcome);
  if (has("failed") || result.attested === null) return "not-genuine";
  if (has("ended")) return "release-ended";
  return settings.root.test ? "test-only" : "genuine";
}
