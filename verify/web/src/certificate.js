// The certificate: a page of paper about a genuine document, for a file of contracts. It is in the page but not on the screen;
// printing shows it in place of everything else. A document that is not genuine has none, and prints as its report.

/** Whether a result is one to print a certificate of. */
function certifies(result) {
  return ["genuine", "test-only"].includes(result.verdict) && result.signersAttested;
}

function showCertificate({ result, names, size, verified }) {
  const right = certifies(result);
  document.body.classList.toggle("certified", right);
  byId("actions").hidden = !right;
  const paper = byId("certificate");
  paper.replaceChildren();
  if (!right) return;

  const verdict = element("p", text("certificateVerdict", text(result.verdict), text(`${result.verdict}Text`)), "verdict");
  verdict.dataset.state = result.verdict;
  paper.append(element("p", "Let’s eSign", "brand"), element("h1", text("certificate")), verdict, element("p", text("certificateProves")));

  const table = (title, ...lines) => {
    const made = element("table");
    for (const [name, value, className] of lines) row(made, name, value).cells[1].className = className ?? "";
    paper.append(element("h2", title), made);
  };
  table(
    text("certificateDocument"),
    [text("fileName"), text("fileNameIs", names.pdf, size)],
    [text("sha256"), result.pdfHash, "number"],
    [text("mailsFrom"), mailsFrom(result.proof)],
    [text("magicNumber"), result.proof.magicNumber, "number"],
  );
  const signers = element("ol");
  signers.append(...result.proof.signers.map((signer) => signerItem(signer, result.proof.facts !== null)));
  paper.append(element("h2", text("signers")), signers);
  table(
    text("certificateAttested"),
    [text("signed"), text("signedAt", utc(result.attested.time))],
    [text("verified"), text("verifiedAt", utc(verified))],
    [text("release"), releaseOf(result)],
    ...result.attested.pcrs.map((pcr, index) => [`PCR${index}`, pcr, "number"]),
  );
  const ways = element("ol");
  ways.append(...["againProgram", "againPage", "againHash", "againImage"].map((name) => element("li", text(name, result.release.name))));
  paper.append(element("h2", text("again")), ways);
}
