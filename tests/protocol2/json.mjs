// Strict JSON ("Notation"), and checks of the values in it. Readers throw `Refused`.

import { check, Refused } from "./crypto.mjs";

/** A number that is not spelt with digits alone. */
class Decimal {
  constructor(spelling) {
    this.value = Number(spelling);
  }
}

/** Control characters (Cc), U+2028 and U+2029: what a line has not. */
const BREAKS = /[\p{Cc}\u2028\u2029]/u;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const MAXIMUM = 2 ** 53 - 1;

/** Bytes to values: objects become Maps, so that no name is special. */
export function parse(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("not UTF-8");
  }
  let at = 0;
  const space = () => {
    while (" \t\n\r".includes(text[at] ?? "x")) at += 1;
  };
  const take = (token) => {
    const found = text.startsWith(token, at);
    if (found) at += token.length;
    return found;
  };
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    check(found, `unexpected text at ${at}`);
    at = pattern.lastIndex;
    return found[0];
  };
  const string = () => {
    const value = JSON.parse(match(STRING));
    check(value.isWellFormed(), "a lone surrogate");
    return value;
  };
  const sequence = (end, item) => {
    space();
    if (take(end)) return;
    do {
      space();
      item();
      space();
    } while (take(","));
    check(take(end), `unexpected text at ${at}`);
  };
  const value = (depth) => {
    check(depth <= 64 || !"[{".includes(text[at] ?? "x"), "more than 64 levels");
    if (take("{")) {
      const object = new Map();
      sequence("}", () => {
        const name = string();
        check(!object.has(name), `the member ${name} is there twice`);
        space();
        check(take(":"), `unexpected text at ${at}`);
        space();
        object.set(name, value(depth + 1));
      });
      return object;
    }
    if (take("[")) {
      const array = [];
      sequence("]", () => array.push(value(depth + 1)));
      return array;
    }
    if (text[at] === '"') return string();
    if (take("true")) return true;
    if (take("false")) return false;
    if (take("null")) return null;
    const number = match(NUMBER);
    return /^[0-9]+$/.test(number) ? Number(number) : new Decimal(number);
  };
  space();
  const result = value(1);
  space();
  check(at === text.length, "text behind the value");
  return result;
}

// --- Checks: each takes a value and a name for errors, and returns the value -----------------

export const whole = (least, most = MAXIMUM) => (value, name) => {
  const fits = typeof value === "number" && value >= least && value <= most;
  check(fits, `${name} is not a whole number from ${least} to ${most}`);
  return value;
};

export const time = whole(0);

export const decimal = (least, most) => (value, name) => {
  const number = value instanceof Decimal ? value.value : value;
  const fits = typeof number === "number" && number >= least && number <= most;
  check(fits, `${name} is not a number from ${least} to ${most}`);
  return number;
};

export const text = (least, most) => (value, name) => {
  check(typeof value === "string", `${name} is not a text`);
  const length = [...value].length;
  check(length >= least && length <= most, `${name} has not ${least} to ${most} characters`);
  return value;
};

export const line = (least, most) => (value, name) => {
  check(!BREAKS.test(text(least, most)(value, name)), `${name} is not one line`);
  return value;
};

export const pattern = (expression) => (value, name) => {
  check(typeof value === "string" && expression.test(value), `${name} has another form`);
  return value;
};

export const flag = (value, name) => {
  check(typeof value === "boolean", `${name} is neither true nor false`);
  return value;
};

export const one = (...values) => (value, name) => {
  check(values.includes(value), `${name} is not one of ${values}`);
  return value;
};

/** Text in base64 or base64url, to bytes; `length` may be left out. */
export const encoded = (encoding, length) => (value, name) => {
  check(typeof value === "string", `${name} is not a text`);
  const bytes = Buffer.from(value, encoding);
  check(bytes.toString(encoding) === value, `${name} is not in ${encoding}`);
  check(length === undefined || bytes.length === length, `${name} has another length`);
  return bytes;
};

export const hash = encoded("hex", 32);

export const array = (least, most, item) => (value, name) => {
  check(Array.isArray(value), `${name} is not an array`);
  check(value.length >= least && value.length <= most, `${name} has ${value.length} entries`);
  return value.map((entry, index) => item(entry, `${name}[${index}]`));
};

/** A check of an object that has these members, and of `optional` some. */
export const object = (members, optional = {}) => (value, name = "the object") => {
  check(value instanceof Map, `${name} is not an object`);
  for (const member of value.keys()) {
    const known = Object.hasOwn(members, member) || Object.hasOwn(optional, member);
    check(known, `${name} has an unknown member ${member}`);
  }
  const result = {};
  for (const [member, item] of Object.entries({ ...members, ...optional })) {
    if (value.has(member)) result[member] = item(value.get(member), member);
    else check(!Object.hasOwn(members, member), `${name} lacks ${member}`);
  }
  return result;
};

/** Reads a text of at most `most` bytes with one of the checks above. */
export function read(bytes, most, form) {
  check(bytes.length <= most, `more than ${most} bytes`);
  return form(parse(bytes));
}

/** Compact JSON. */
export const compact = (value) => Buffer.from(JSON.stringify(value));
