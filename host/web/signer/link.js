// The link of a mail (docs/protocol-2.md, "The link"): everything that the page shows and needs.

const MARK = "#letsesign2=";
const MEMBERS = ["protocol", "task", "binding", "signer", "round", "por", "expiry", "key",
  "publicKey", "answerKey", "domain", "fileName", "locale", "pin"];

/** Bytes of base64url without padding; one text for the same bytes. */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new Error("base64url");
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(plain, (one) => one.charCodeAt(0));
  if (toBase64url(bytes) !== text) throw new Error("base64url");
  return bytes;
}

/** Base64url without padding. */
export function toBase64url(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Base64 with padding. */
export function toBase64(bytes) {
  let text = "";
  for (const one of bytes) text += String.fromCharCode(one);
  return btoa(text);
}

/** Bytes of lower-case hexadecimal digits. */
export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
}

/** Shows marks that turn text around: a name must not reorder what stands beside it. */
export function visible(text) {
  return text?.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

const isHash = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const isText = (value, most) =>
  typeof value === "string" && value.length > 0 && [...value].length <= most;
const isWhole = (value, least, most) =>
  Number.isSafeInteger(value) && value >= least && value <= most;

/**
 * The content of a link, or `null` for one that mail programs have cut or changed.
 *
 * @param {string} url all of it
 */
export function readLink(url) {
  const at = url.indexOf("#");
  if (at < 0 || !url.startsWith(MARK, at)) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(fromBase64url(url.slice(at + MARK.length)));
    const link = JSON.parse(text);
    // The text is compact: a member twice, white space or another spelling is not a link's.
    const right = JSON.stringify(link) === text
      && Object.keys(link).join() === MEMBERS.join() && link.protocol === 2
      && isHash(link.task) && isHash(link.binding) && isHash(link.por)
      && isWhole(link.signer, 0, 999) && isWhole(link.round, 1, 1_000_000)
      && isWhole(link.expiry, 0, Number.MAX_SAFE_INTEGER)
      && isText(link.domain, 256) && isText(link.fileName, 256) && isText(link.locale, 256)
      && typeof link.pin === "boolean";
    if (!right) return null;
    const key = fromBase64url(link.key);
    const publicKey = fromBase64url(link.publicKey);
    const answerKey = fromBase64url(link.answerKey);
    const isPoint = (bytes) => bytes.length === 65 && bytes[0] === 4;
    if (key.length !== 32 || !isPoint(publicKey) || !isPoint(answerKey)) return null;
    return { ...link, key, publicKey, answerKey };
  } catch {
    return null;
  }
}
