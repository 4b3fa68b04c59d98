// The page around the checks. Foreign text goes through `shown` and textContent, never into markup.

/** A job with everything in it has at most 50 MiB; white space may be added to it. */
const PAYLOAD_MAX = 64 << 20;

const VERDICTS = {
  genuine: ["Genuine", "This document was signed in an AWS Nitro enclave of a known release, by the people below."],
  "test-only": ["Test only", "Right under a root certificate that is NOT AWS's. This proves nothing about AWS Nitro."],
  "release-ended": ["Not accepted", "It was signed by a release that was revoked or at its end."],
  "not-genuine": ["Not genuine", "Do not rely on this document. The reason is below."],
  unreadable: ["Not checked", "Nothing is known about this document."],
};

/** Control, direction-changing and invisible characters spelt out: nobody's name may rearrange this page. */
function shown(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0f]/gu,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}

function byId(id) {
  return document.getElementById(id);
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(table, ...cells) {
  const line = table.insertRow();
  cells.forEach((text, index) => line.append(element(index === 0 ? "th" : "td", text)));
  return line;
}

function show(state, text) {
  const [title, sentence] = VERDICTS[state];
  const box = byId("verdict");
  box.dataset.state = state;
  box.replaceChildren(element("h2", title), element("p", text ?? sentence));
  box.hidden = false;
}

function showResult(result, names) {
  const reasons = result.checks.filter((check) => ["failed", "ended"].includes(check.outcome)).map((check) => check.text);
  show(result.verdict, reasons.length > 0 ? `${VERDICTS[result.verdict][1]} Reason: ${shown(reasons.join("; "))}.` : undefined);

  const facts = byId("facts");
  facts.replaceChildren();
  row(facts, "Document", shown(names.pdf));
  row(facts, "Proof", shown(names.spf));
  row(facts, "Signed", result.attested ? `${utc(result.attested.time)} (by the clock of AWS Nitro)` : "unknown: the attestation is not genuine");
  row(facts, "Verified", `${utc(Math.floor(Date.now() / 1000))} (by the clock of this machine)`);
  row(facts, "Release", result.release ? `${result.release.name}, ${shown(statusText(result.release.status))}` : "none that is known");
  const { origin, facts: task } = result.proof;
  const service = { ses: "Amazon SES", sg: "SendGrid" };
  row(facts, "Mails from", origin ? `${shown(origin.domain)}, sent with ${service[origin.provider]}` : "a version 1 summary does not say it");

  byId("signers-title").textContent = result.signersAttested ? "Signers" : "Signers, as the proof file claims; nothing of this is verified";
  byId("signers").replaceChildren(...result.proof.signers.map((signer) => {
    const item = element("li", "");
    item.append(element("strong", shown(signer.name)), ` <${shown(signer.emailAddr)}>`, element("br", ""));
    item.append(`confirmed ${utc(signer.signingTime)}, from ${shown(signer.ipAddress)}`);
    if (signer.phoneNumber !== null) item.append(`, phone ${shown(signer.phoneNumber)}`);
    item.append(element("br", ""), signer.checkedBy === null ? "a version 1 summary does not say how this person was checked" : `checked by ${signer.checkedBy}`);
    if (task !== null) {
      const [asked, answered] = [signer.porTime, signer.answeredAt].map((time) => utc(Math.floor(time / 1000)));
      item.append(element("br", ""), `asked ${asked} (round ${signer.round}), answered ${answered} by the signer's clock`);
    }
    if (signer.poiHash !== null) item.append(element("br", ""), "PoI hash ", element("code", signer.poiHash));
    return item;
  }));

  const checks = byId("checks");
  checks.replaceChildren();
  for (const check of result.checks) {
    const line = row(checks, check.outcome, check.name, shown(check.text));
    line.dataset.outcome = check.outcome;
    line.dataset.name = check.name;
  }

  const details = byId("details");
  details.replaceChildren();
  row(details, "SHA-256 of the PDF", result.pdfHash);
  row(details, "Magic number", result.proof.magicNumber);
  row(details, "Binding hash", result.proof.bindingDataHash);
  if (task !== null) {
    row(details, "Account", task.account);
    row(details, "Statements", task.statements);
    row(details, "Signing order", task.inOrder ? "one after the other" : "in any order");
  } else if (origin) {
    row(details, "Payload hash", origin.payloadHash);
  }
  if (result.attested) {
    result.attested.pcrs.forEach((pcr, index) => row(details, `PCR${index}`, pcr));
    row(details, "Module", shown(result.attested.moduleId));
  }
  byId("report").hidden = false;
}

async function readFiles(list) {
  const files = new Map();
  for (const file of list) {
    if (file.size > PDF_MAX + SPF_MAX) refuse(`${file.name} is too large for a document`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (/\.zip$/i.test(file.name)) for (const [name, contents] of await unzip(bytes)) files.set(name, contents);
    else files.set(file.name, bytes);
  }
  const one = (pattern, what) => {
    const names = [...files.keys()].filter((name) => pattern.test(name));
    if (names.length !== 1) refuse(`choose one ${what}; here ${names.length === 1 ? "is" : "are"} ${names.length}`);
    return names[0];
  };
  const [pdf, spf] = [one(/\.pdf$/i, "signed PDF"), one(/\.spf$/i, "proof file (.spf)")];
  return { names: { pdf, spf }, pdf: files.get(pdf), spf: files.get(spf) };
}

let latest = 0;

async function verifyFiles(list, settings) {
  // A slow answer must not replace the answer about files chosen later.
  const turn = ++latest;
  byId("report").hidden = true;
  byId("verdict").hidden = true;
  try {
    const typed = byId("binding").value.trim();
    if (typed !== "" && !HASH.test(typed)) refuse("the binding hash has 64 hexadecimal digits, in lower case");
    const input = await readFiles(list);
    const task = byId("payload").files[0];
    if (task && task.size > PAYLOAD_MAX) refuse("the task payload is too large");
    const domain = byId("domain").value.trim();
    const asked = {
      binding: typed === "" ? null : typed,
      payload: task ? await payloadHash(new Uint8Array(await task.arrayBuffer())) : null,
      senderDomain: domain === "" ? null : domain,
    };
    const result = await checkProof(input.pdf, input.spf, asked, settings, Math.floor(Date.now() / 1000));
    if (turn === latest) showResult(result, input.names);
  } catch (problem) {
    if (turn !== latest) return;
    show("unreadable", problem instanceof Refusal ? shown(problem.message) : `This page failed: ${shown(String(problem))}`);
  }
}

function start() {
  const settings = JSON.parse(byId("settings").textContent);
  byId("root").textContent = settings.root.name;
  byId("known").replaceChildren(...settings.releases.map((release) => element("li", `${release.name}: ${statusText(release.status)}; ${release.signature}`)));
  byId("revocations").textContent = settings.revocations.text;
  document.body.dataset.test = String(settings.root.test);
  const input = byId("files");
  const chosen = () => input.files.length > 0 && verifyFiles([...input.files], settings);
  if (!globalThis.crypto?.subtle) return show("unreadable", "This browser offers no WebCrypto here. Open the page from a file or over https.");
  input.addEventListener("change", chosen);
  for (const id of ["binding", "domain", "payload"]) byId(id).addEventListener("change", chosen);
  const zone = byId("zone");
  for (const name of ["dragover", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      if (name === "drop") {
        input.files = event.dataTransfer.files;
        chosen();
      }
    });
  }
}

start();
