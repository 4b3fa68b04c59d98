// The view of a result: the verdict, the facts, the signers, the checks.

const SERVICES = { ses: "Amazon SES", sg: "SendGrid" };

function byId(id) {
  return document.getElementById(id);
}

function element(name, content = "", className = "") {
  const made = document.createElement(name);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

/** A row of a table; its first cell is its heading. */
function row(table, ...cells) {
  const line = table.insertRow();
  for (const [index, content] of cells.entries()) {
    const cell = element(index === 0 ? "th" : "td", content);
    if (index === 0) cell.scope = "row";
    line.append(cell);
  }
  return line;
}

function showVerdict(state, sentence) {
  const box = byId("verdict");
  box.dataset.state = state;
  box.replaceChildren(element("h2", text(state)), element("p", sentence));
  box.hidden = false;
}

/** The reasons against a document, as one text. */
function reasonsAgainst({ checks }) {
  return checks.filter((check) => ["failed", "ended"].includes(check.outcome)).map((check) => spoken(check.text)).join(text("between"));
}

function mailsFrom({ origin }) {
  return origin ? text("mailsFromIs", origin.domain, SERVICES[origin.provider]) : text("mailsFromUnknown");
}

function releaseOf({ release }) {
  return release ? text("releaseIs", release.name, statusText(release.status)) : text("releaseUnknown");
}

/** One person: who, when, from where, and how the service checked that it was this person. */
function signerItem(signer, hasRounds) {
  const item = element("li");
  item.append(element("strong", shown(signer.name)), ` <${shown(signer.emailAddr)}>`, element("br"));
  item.append(text("confirmed", utc(signer.signingTime), signer.ipAddress));
  if (signer.phoneNumber !== null) item.append(text("phone", signer.phoneNumber));
  item.append(element("br"), signer.checkedBy === null ? text("checkedUnknown") : text("checkedBy", signer.checkedBy));
  if (hasRounds) {
    const [asked, answered] = [signer.porTime, signer.answeredAt].map((time) => utc(Math.floor(time / 1000)));
    item.append(element("br"), text("asked", asked, signer.round, answered));
  }
  if (signer.poiHash !== null) item.append(element("br"), text("poiHash"), " ", element("code", signer.poiHash));
  return item;
}

function showResult(answer) {
  const { result, names, verified } = answer;
  const reasons = reasonsAgainst(result);
  const sentence = text(`${result.verdict}Text`);
  showVerdict(result.verdict, reasons === "" ? sentence : `${sentence} ${fill(text("reason"), [reasons])}`);

  const facts = byId("facts");
  facts.replaceChildren();
  row(facts, text("document"), shown(names.pdf));
  row(facts, text("proof"), shown(names.spf));
  row(facts, text("signed"), result.attested ? text("signedAt", utc(result.attested.time)) : text("signedUnknown"));
  row(facts, text("verified"), text("verifiedAt", utc(verified)));
  row(facts, text("release"), releaseOf(result));
  row(facts, text("mailsFrom"), mailsFrom(result.proof));

  const { facts: task } = result.proof;
  byId("signers-title").textContent = text(result.signersAttested ? "signers" : "signersClaimed");
  byId("signers").replaceChildren(...result.proof.signers.map((signer) => signerItem(signer, task !== null)));

  const checks = byId("checks");
  checks.replaceChildren();
  for (const check of result.checks) {
    const line = row(checks, text(check.outcome === "failed" ? "checkFailed" : check.outcome), check.name, spoken(check.text));
    line.dataset.outcome = check.outcome;
    line.dataset.name = check.name;
  }
  showNumbers(result);
  showCertificate(answer);
  byId("report").hidden = false;
}

function showNumbers({ pdfHash, proof, attested }) {
  const details = byId("details");
  const { facts: task, origin } = proof;
  details.replaceChildren();
  row(details, text("pdfHash"), pdfHash);
  row(details, text("magicNumber"), proof.magicNumber);
  row(details, text("bindingHash"), proof.bindingDataHash);
  if (task !== null) {
    row(details, text("account"), task.account);
    row(details, text("statements"), task.statements);
    row(details, text("order"), text(task.inOrder ? "inOrder" : "anyOrder"));
  } else if (origin) {
    row(details, text("payloadHash"), origin.payloadHash);
  }
  if (attested) {
    attested.pcrs.forEach((pcr, index) => row(details, `PCR${index}`, pcr));
    row(details, text("module"), shown(attested.moduleId));
  }
}
