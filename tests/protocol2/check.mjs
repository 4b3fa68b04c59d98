// Reads files of vectors and compares what the readers make of them with what the files expect.
//
//   node tests/protocol2/check.mjs FILE...
//
// Prints the number of vectors, as JSON: {"ok": n, "refused": n}.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { outcome } from "./readers.mjs";

const counts = { ok: 0, refused: 0 };
for (const file of process.argv.slice(2)) {
  const { kind, base, vectors } = JSON.parse(readFileSync(file, "utf8"));
  for (const vector of vectors) {
    const { ok, refused } = vector;
    const expected = refused === undefined ? { ok } : { refused };
    const found = outcome(kind, { ...base, ...vector });
    counts[Object.keys(expected)[0]] += 1;
    if (!isDeepStrictEqual(found, expected)) {
      const [is, should] = [found, expected].map((value) => JSON.stringify(value));
      console.error(`${file}, "${vector.note}": ${is} instead of ${should}`);
      process.exitCode = 1;
    }
  }
}
console.log(JSON.stringify(counts));
