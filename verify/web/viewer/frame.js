// The frame of the viewer: draws the pages of a PDF that the page around it sends, each when it comes into sight.

const PAGES_MAX = 500;
/** Pixels of a page's longer side at most, so that a large page does not take the memory of many. */
const PIXELS_MAX = 2400;

const tell = (message) => parent.postMessage(message, "*");

function startWorker() {
  // Chromium loads no module from a blob of a frame without an origin. A module with one export, and without imports that
  // are needed here, is a script without them.
  const source = document.getElementById("worker").textContent
    .replaceAll("import.meta.url", '""').replace("export{WorkerMessageHandler};", "");
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  worker.addEventListener("error", () => tell({ state: "failed" }));
  pdfjsLib.GlobalWorkerOptions.workerPort = worker;
}

async function draw(pdf, canvas, number) {
  const page = await pdf.getPage(number);
  const unit = page.getViewport({ scale: 1 });
  canvas.style.aspectRatio = `${unit.width} / ${unit.height}`;
  const wanted = (canvas.clientWidth / unit.width) * devicePixelRatio;
  const viewport = page.getViewport({ scale: Math.min(wanted, PIXELS_MAX / Math.max(unit.width, unit.height)) });
  [canvas.width, canvas.height] = [viewport.width, viewport.height];
  await page.render({ canvas, viewport }).promise;
  canvas.dataset.drawn = "true";
}

async function show({ bytes, label, language }) {
  document.documentElement.lang = language;
  const pdf = await pdfjsLib.getDocument({
    data: bytes, isEvalSupported: false, enableXfa: false, useWasm: false, disableAutoFetch: true,
  }).promise;
  const count = Math.min(pdf.numPages, PAGES_MAX);
  const sight = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      draw(pdf, target, Number(target.dataset.page)).catch(() => tell({ state: "failed" }));
    }
  }, { rootMargin: "50%" });
  for (let number = 1; number <= count; number++) {
    const canvas = document.createElement("canvas");
    canvas.dataset.page = number;
    canvas.role = "img";
    canvas.ariaLabel = label.replace("{0}", number).replace("{1}", pdf.numPages);
    document.body.append(canvas);
    sight.observe(canvas);
  }
  tell({ state: "shown", shown: count, pages: pdf.numPages });
}

addEventListener("message", (event) => {
  if (event.source !== parent) return;
  show(event.data).catch(() => tell({ state: "failed" }));
}, { once: true });
try {
  startWorker();
  tell({ state: "ready" });
} catch {
  tell({ state: "failed" });
}
