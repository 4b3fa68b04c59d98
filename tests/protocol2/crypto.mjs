// The cryptography of protocol 2, written from docs/protocol-2.md with Node's crypto module alone.
// Byte strings are Buffers. Functions that read foreign bytes throw `Refused`.

import {
  constants, createCipheriv, createDecipheriv, createECDH, createHash, createHmac, createPrivateKey,
  createPublicKey, privateDecrypt, publicEncrypt, randomBytes, sign, timingSafeEqual, verify,
} from "node:crypto";

/** What a reader throws: the message says what is wrong, for people. */
export class Refused extends Error {}

export function check(condition, reason) {
  if (!condition) throw new Refused(reason);
}

export const sha256 = (data) => createHash("sha256").update(data).digest();
export const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

// --- Lists and keys ("Lists", "Notation") ------------------------------------------------------

/** 4 bytes, the most significant first. */
export function integer(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const bytesOf = (value) => (typeof value === "number" ? integer(value) : Buffer.from(value));

/** `list(label, values...)`; a number stands for its 4 bytes. */
export function list(label, ...values) {
  const parts = ["letsesign/2", label, ...values].map(bytesOf);
  return Buffer.concat(parts.flatMap((part) => [integer(part.length), part]));
}

/** HKDF-Extract, RFC 5869, section 2.2. */
export const extract = (salt, secret) => hmac(salt, secret);

/** HKDF-Expand, RFC 5869, section 2.3. */
export function expand(key, info, length) {
  let block = Buffer.alloc(0);
  const blocks = [];
  for (let counter = 1; blocks.length * 32 < length; counter += 1) {
    block = hmac(key, Buffer.concat([block, info, Buffer.from([counter])]));
    blocks.push(block);
  }
  return Buffer.concat(blocks).subarray(0, length);
}

// --- Data keys ("Data keys") -------------------------------------------------------------------

export const TAGS = { account: "letsesign/2 acct", task: "letsesign/2 task" };

/** RSAES-OAEP (RFC 8017, section 7.1.1) with a seed of the caller's choice, for vectors. */
function oaep(text, size, seed) {
  const mask = (from, length) => {
    const blocks = [];
    for (let counter = 0; counter * 32 < length; counter += 1) {
      blocks.push(sha256(Buffer.concat([from, integer(counter)])));
    }
    return Buffer.concat(blocks).subarray(0, length);
  };
  const xor = (left, right) => Buffer.from(left.map((byte, at) => byte ^ right[at]));
  const padding = Buffer.alloc(size - text.length - 66);
  const block = Buffer.concat([sha256(""), padding, Buffer.from([1]), text]);
  const masked = xor(block, mask(seed, block.length));
  return Buffer.concat([Buffer.from([0]), xor(seed, mask(masked, 32)), masked]);
}

/** Wraps `tag || key` for KMS. `purpose` is `account` or `task`; `publicKey` a KeyObject. */
export function wrap(publicKey, purpose, key, seed = randomBytes(32)) {
  const size = publicKey.asymmetricKeyDetails.modulusLength / 8;
  const block = oaep(Buffer.concat([Buffer.from(TAGS[purpose]), key]), size, seed);
  return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block);
}

/** What KMS does: the text under the wrapping. */
export function unwrap(privateKey, wrapped) {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    return privateDecrypt({ key: privateKey, padding, oaepHash: "sha256" }, wrapped);
  } catch {
    throw new Refused("KMS cannot decrypt this");
  }
}

/** The data key in an unwrapped text, if it is of this purpose. */
export function dataKey(text, purpose) {
  check(text.length === 48, "a wrapped data key has another length");
  check(text.subarray(0, 16).equals(Buffer.from(TAGS[purpose])), "a data key of another purpose");
  return text.subarray(16);
}

// --- Boxes ("Boxes") ---------------------------------------------------------------------------

/** @typedef {{part: string, secret: Buffer, task: Buffer, context: Buffer}} Slot */

const NONE = Buffer.alloc(0);
const CIPHER = "aes-256-gcm";

/** Where a box belongs. Account boxes have neither task nor context. */
export const slot = (part, secret, task = NONE, context = NONE) => ({ part, secret, task, context });

function boxKeys({ part, secret, task }, random) {
  const both = expand(extract(random, secret), list("box", part, task), 64);
  return { key: both.subarray(0, 32), commitment: both.subarray(32) };
}

const boxData = ({ part, task, context }) => list("box data", part, task, context);

/** AES-256-GCM: ciphertext and tag. */
export function encrypt(key, nonce, data, text) {
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(data);
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** The text, or `Refused`. */
export function decrypt(key, nonce, data, sealed) {
  check(sealed.length >= 16, "too short for a tag");
  const cut = sealed.length - 16;
  const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: 16 }).setAAD(data);
  cipher.setAuthTag(sealed.subarray(cut));
  const text = cipher.update(sealed.subarray(0, cut));
  try {
    return Buffer.concat([text, cipher.final()]);
  } catch {
    throw new Refused("the tag is wrong");
  }
}

export function sealBox(where, text, random = randomBytes(32)) {
  const { key, commitment } = boxKeys(where, random);
  const sealed = encrypt(key, Buffer.alloc(12), boxData(where), text);
  return Buffer.concat([random, commitment, sealed]);
}

export function openBox(where, box) {
  check(box.length >= 80, "too short for a box");
  const { key, commitment } = boxKeys(where, box.subarray(0, 32));
  check(timingSafeEqual(commitment, box.subarray(32, 64)), "another key");
  return decrypt(key, Buffer.alloc(12), boxData(where), box.subarray(64));
}

// --- P-256 -------------------------------------------------------------------------------------

export const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export const toNumber = (bytes) => BigInt(`0x${bytes.toString("hex")}`);
const isScalar = (bytes) => toNumber(bytes) >= 1n && toNumber(bytes) < ORDER;

/** `scalar(key, label, values...)` ("Keys of a request"). */
export function scalar(key, label, ...values) {
  for (let counter = 0; counter < 256; counter += 1) {
    const candidate = expand(key, list(label, ...values, Buffer.from([counter])), 32);
    if (isScalar(candidate)) return candidate;
  }
  throw new Error("no scalar in 256 attempts");
}

/** The uncompressed point of a private key. */
export function publicOf(privateKey) {
  check(privateKey.length === 32 && isScalar(privateKey), "not a private key");
  const pair = createECDH("prime256v1");
  pair.setPrivateKey(privateKey);
  return pair.getPublicKey();
}

function jwk(point) {
  check(point.length === 65 && point[0] === 4, "not an uncompressed point");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((at) => at.toString("base64url"));
  return { kty: "EC", crv: "P-256", x, y };
}

/** The public key of 65 bytes, if they are a point of the curve. */
export function publicKey(point) {
  try {
    return createPublicKey({ key: jwk(point), format: "jwk" });
  } catch {
    throw new Refused("not a point of the curve");
  }
}

/** The x coordinate that two keys have in common. */
export function agree(privateKey, point) {
  publicKey(point);
  const pair = createECDH("prime256v1");
  pair.setPrivateKey(privateKey);
  return pair.computeSecret(point);
}

export function ecdsaSign(privateKey, text) {
  const d = privateKey.toString("base64url");
  const key = createPrivateKey({ key: { ...jwk(publicOf(privateKey)), d }, format: "jwk" });
  return sign("sha256", text, { key, dsaEncoding: "ieee-p1363" });
}

export function ecdsaVerify(point, text, signature) {
  check(signature.length === 64, "a signature of another length");
  const key = publicKey(point);
  const right = verify("sha256", text, { key, dsaEncoding: "ieee-p1363" }, signature);
  check(right, "the signature is wrong");
}
