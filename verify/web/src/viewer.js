// The document beside the verdict, in a page that was written --with-viewer. pdf.js reads what somebody sent, so it gets no
// rights: a frame with an origin of its own, which can reach neither this page nor a network. It receives a copy of the bytes
// whose hash was compared, and answers with numbers.

let frame = null;
/** The line above the frame: the name of a text and its values. */
let viewStatus = null;

/** The page in the frame: the parts of the viewer that are in this page, as text. Their hashes are in this page's policy. */
function frameSource() {
  const part = (id) => byId(id)?.textContent;
  const script = "script";
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><style>${part("viewer-style")}</style></head><body>` +
    `<${script} type="module">${part("viewer-library")}</${script}>` +
    `<${script} type="text/plain" id="worker">${part("viewer-worker")}</${script}>` +
    `<${script} type="module">${part("viewer-frame")}</${script}></body></html>`;
}

/** Draws a document, or takes the last one away. */
function showDocument(pdf) {
  frame?.remove();
  frame = null;
  const viewing = pdf !== null && byId("viewer-library") !== null;
  document.body.classList.toggle("viewing", viewing);
  byId("view").hidden = !viewing;
  viewStatus = null;
  if (!viewing) return showViewTexts();
  frame = element("iframe");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = frameSource();
  byId("frame").append(frame);
  showViewTexts();
}

function showViewTexts() {
  if (frame) frame.title = text("viewTitle");
  byId("view-status").textContent = viewStatus ? text(...viewStatus) : "";
}

/** Answers of the frame: that it is there, how many pages there are, or that it failed. Nothing else is taken from it. */
function heard(event) {
  if (frame === null || event.source !== frame.contentWindow) return;
  const { state, shown: some, pages } = event.data ?? {};
  if (state === "ready" && answer?.pdf) {
    const bytes = answer.pdf.slice();
    const label = languages[language].texts.viewPage ?? languages[DEFAULT_LANGUAGE].texts.viewPage;
    // The frame has an opaque origin, which no target names; it was made here and can load nothing else.
    frame.contentWindow.postMessage({ bytes, label, language }, "*", [bytes.buffer]);
  } else if (state === "shown" && Number.isSafeInteger(some) && Number.isSafeInteger(pages)) {
    viewStatus = some < pages ? ["viewCut", some, pages] : null;
    byId("view").dataset.pages = pages;
  } else if (state === "failed") {
    viewStatus = ["viewFailed"];
  }
  showViewTexts();
}

addEventListener("message", heard);
