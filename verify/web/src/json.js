// JSON (RFC 8259), strictly, because hashes are over it: no key twice, no lone surrogates, 64 levels at most, nothing behind it. Every value
// keeps the compact text that it had: members in their order, numbers as they were spelt, the fewest escapes. JSON.parse would put
// members with names like numbers first, and spell numbers anew.

const JSON_DEPTH_MAX = 64;

/** @returns {{value: any, text: string}} Objects as Map of name to the same pair, arrays as lists of it, numbers as their spelling. */
function parseJson(source, what) {
  let at = 0;
  const fail = (problem) => refuse(say`${what}: ${problem} at character ${at}`);
  const blank = () => {
    while (at < source.length && " \t\n\r".includes(source[at])) at++;
  };
  const token = (pattern, problem) => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) fail(problem);
    at += match[0].length;
    return match[0];
  };
  const string = () => {
    // eslint-disable-next-line no-control-regex
    const raw = token(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy, say`a string is malformed`);
    const value = JSON.parse(raw);
    if (/[\ud800-\udfff]/u.test(value)) fail(say`a string has half of a character`);
    return { value, text: JSON.stringify(value) };
  };
  const object = (depth) => {
    const value = new Map();
    const parts = [];
    at++;
    blank();
    if (source[at] === "}") return at++, { value, text: "{}" };
    for (;;) {
      blank();
      const name = string();
      if (value.has(name.value)) fail(say`the key ${name.text} is there twice`);
      blank();
      token(/:/y, say`a colon is missing`);
      const member = any(depth);
      value.set(name.value, member);
      parts.push(`${name.text}:${member.text}`);
      blank();
      if (token(/[,}]/y, say`a comma or } is missing`) === "}") return { value, text: `{${parts.join(",")}}` };
    }
  };
  const array = (depth) => {
    const value = [];
    at++;
    blank();
    if (source[at] === "]") return at++, { value, text: "[]" };
    for (;;) {
      value.push(any(depth));
      blank();
      if (token(/[,\]]/y, say`a comma or ] is missing`) === "]") return { value, text: `[${value.map((item) => item.text).join(",")}]` };
    }
  };
  const any = (depth) => {
    blank();
    const first = source[at];
    if (depth === 0 && (first === "{" || first === "[")) fail(say`it is nested too deeply`);
    if (first === "{") return object(depth - 1);
    if (first === "[") return array(depth - 1);
    if (first === '"') return string();
    const text = token(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y, say`a value is malformed`);
    return { value: /^[tfn]/.test(text) ? JSON.parse(text) : Number(text), text };
  };
  const result = any(JSON_DEPTH_MAX);
  blank();
  if (at !== source.length) fail(say`there is something behind it`);
  return result;
}
