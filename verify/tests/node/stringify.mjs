// Reads a JSON list of texts; prints, for each, the SHA-256 of JSON.stringify(JSON.parse(text)).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const texts = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(texts.map((text) => createHash("sha256").update(JSON.stringify(JSON.parse(text))).digest("hex"))));
