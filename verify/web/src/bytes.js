// Bytes, text and time. Everything below works on Uint8Array.

/** A reason to refuse, in words for a reader. Anything else that is thrown is a mistake in this page. */
class Refusal extends Error {
  /** @param {Said} said */
  constructor(said) {
    super(String(said));
    this.said = said;
  }
}

/** @param {Said} reason */
function refuse(reason) {
  throw new Refusal(reason);
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function equal(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function concat(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Base64 of RFC 4648, section 4: the standard alphabet, padding, nothing else, and unused bits zero. */
function fromBase64(text) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) refuse(say`it is not base64`);
  const binary = atob(text);
  if (btoa(binary) !== text) refuse(say`it is not base64 as it is written`);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Text of UTF-8, or a refusal; a byte order mark is a character like any other. */
function fromUtf8(bytes, what) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse(say`${what} is not UTF-8`);
  }
}

async function sha256(bytes) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** `2022-10-13 05:06:07 UTC` for seconds since 1970. */
function utc(seconds) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return say`${seconds} seconds after 1970`;
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
