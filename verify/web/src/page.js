// The page around the checks: files in, an answer out.

/** A job with everything in it has at most 50 MiB; white space may be added to it. */
const PAYLOAD_MAX = 64 << 20;

let settings = null;
/** What is shown: a result with what belongs to it, or why there is none; null before the first files. */
let answer = null;
/** Counts choices of files: a slow answer must not replace the answer about files chosen later. */
let latest = 0;

async function readFiles(list) {
  const files = new Map();
  for (const file of list) {
    if (file.size > PDF_MAX + SPF_MAX) refuse(say`${file.name} is too large for a document`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (/\.zip$/i.test(file.name)) for (const [name, contents] of await unzip(bytes)) files.set(name, contents);
    else files.set(file.name, bytes);
  }
  const one = (pattern, what) => {
    const names = [...files.keys()].filter((name) => pattern.test(name));
    if (names.length !== 1) refuse(say`choose one ${what}; the files chosen: ${names.length}`);
    return names[0];
  };
  const [pdf, spf] = [one(/\.pdf$/i, say`signed PDF`), one(/\.spf$/i, say`proof file (.spf)`)];
  return { names: { pdf, spf }, pdf: files.get(pdf), spf: files.get(spf) };
}

async function checkFiles(list) {
  const typed = byId("binding").value.trim();
  if (typed !== "" && !HASH.test(typed)) refuse(say`the binding hash has 64 hexadecimal digits, in lower case`);
  const { names, pdf, spf } = await readFiles(list);
  const task = byId("payload").files[0];
  if (task && task.size > PAYLOAD_MAX) refuse(say`the task payload is too large`);
  const domain = byId("domain").value.trim();
  const asked = {
    binding: typed === "" ? null : typed,
    payload: task ? await payloadHash(new Uint8Array(await task.arrayBuffer())) : null,
    senderDomain: domain === "" ? null : domain,
  };
  const verified = Math.floor(Date.now() / 1000);
  return { result: await checkProof(pdf, spf, asked, settings, verified), names, size: pdf.length, verified, pdf };
}

async function verifyFiles(list) {
  const turn = ++latest;
  answer = null;
  byId("report").hidden = true;
  byId("verdict").hidden = true;
  showDocument(null);
  document.body.classList.remove("certified");
  let found;
  try {
    found = await checkFiles(list);
  } catch (problem) {
    found = problem instanceof Refusal ? { refused: problem.said } : { failed: String(problem) };
  }
  if (turn !== latest) return;
  answer = found;
  showAnswer();
  showDocument(answer.pdf ?? null);
}

function showAnswer() {
  if (answer === null) return;
  if (answer.result) showResult(answer);
  else showVerdict("unreadable", answer.refused ? spoken(answer.refused) : text("failed", answer.failed));
}

/** What the page trusts, and the answer if there is one: everything that no element names its text for. */
function showAgain() {
  byId("root").textContent = text("trustsRoot", saidIn(settings.root.name));
  byId("known").replaceChildren(...settings.releases.map((release) =>
    element("li", text("known", release.name, statusText(release.status), saidIn(release.signature)))));
  byId("revocations").textContent = text("revocations", saidIn(settings.revocations.text));
  showAnswer();
  showViewTexts();
}

function start() {
  settings = JSON.parse(byId("settings").textContent);
  startLanguages(showAgain);
  showAgain();
  document.body.dataset.test = String(settings.root.test);
  if (!globalThis.crypto?.subtle) return showVerdict("unreadable", text("noCrypto"));
  const input = byId("files");
  const chosen = () => input.files.length > 0 && verifyFiles([...input.files]);
  input.addEventListener("change", chosen);
  for (const id of ["binding", "domain", "payload"]) byId(id).addEventListener("change", chosen);
  byId("print").addEventListener("click", () => print());
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
