// Draws the first pages of a PDF with pdf.js, as PPM files.
//
//   node render.mjs MODULES PDF FOLDER DPI PAGES [PASSWORD]
//
// MODULES is the folder in which `npm install` was run with package.json of this folder. The pages
// are FOLDER/page-0001.ppm and so on, at DPI dots per inch, PAGES at most (0: all). The exit code is
// 1 when pdf.js cannot read the file.

import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, file, folder, dpi, most, password] = process.argv.slice(2);
if (!most) {
  console.error("usage: render.mjs MODULES PDF FOLDER DPI PAGES [PASSWORD]");
  process.exit(2);
}
const require = createRequire(path.join(path.resolve(modules), "index.js"));
const main = require.resolve("pdfjs-dist/legacy/build/pdf.mjs");
const { getDocument, AnnotationMode, VerbosityLevel } = await import(pathToFileURL(main));
const root = path.resolve(path.dirname(main), "../..");

const task = getDocument({
  data: new Uint8Array(readFileSync(file)),
  password,
  cMapUrl: path.join(root, "cmaps") + path.sep,
  cMapPacked: true,
  standardFontDataUrl: path.join(root, "standard_fonts") + path.sep,
  // Scripts of the document are never run, and nothing is fetched.
  isEvalSupported: false,
  disableAutoFetch: true,
  useSystemFonts: false,
  verbosity: VerbosityLevel.ERRORS,
});
try {
  const document = await task.promise;
  const count = Number(most) === 0 ? document.numPages : Math.min(Number(most), document.numPages);
  for (let number = 1; number <= count; number += 1) {
    const page = await document.getPage(number);
    const viewport = page.getViewport({ scale: Number(dpi) / 72 });
    const [width, height] = [Math.ceil(viewport.width), Math.ceil(viewport.height)];
    const drawn = document.canvasFactory.create(width, height);
    await page.render({
      canvasContext: drawn.context,
      viewport,
      annotationMode: AnnotationMode.ENABLE,
      background: "white",
    }).promise;
    const { data } = drawn.context.getImageData(0, 0, width, height);
    const rgb = Buffer.alloc(width * height * 3);
    for (let pixel = 0; pixel < width * height; pixel += 1) {
      rgb[3 * pixel] = data[4 * pixel];
      rgb[3 * pixel + 1] = data[4 * pixel + 1];
      rgb[3 * pixel + 2] = data[4 * pixel + 2];
    }
    const name = `page-${String(number).padStart(4, "0")}.ppm`;
    const head = Buffer.from(`P6\n${width} ${height}\n255\n`);
    writeFileSync(path.join(folder, name), Buffer.concat([head, rgb]));
    page.cleanup();
  }
  await task.destroy();
} catch (error) {
  console.error(`pdf.js: ${error?.message ?? error}`);
  process.exit(1);
}
