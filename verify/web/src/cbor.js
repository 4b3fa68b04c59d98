// CBOR (RFC 8949) as the NSM writes it: definite lengths, integers, byte strings, text, arrays, maps, null and tags.
// Lengths are compared with what is there before anything is taken, and depth is bounded.

class Cbor {
  constructor(bytes, what) {
    this.bytes = bytes;
    this.what = what;
    this.at = 0;
  }

  fail(problem) {
    refuse(`${this.what}: ${problem}`);
  }

  /** Major type and argument of the next item. */
  head() {
    if (this.at >= this.bytes.length) this.fail("it ends too early");
    const first = this.bytes[this.at++];
    const major = first >> 5;
    const short = first & 31;
    if (short < 24) return { major, value: short };
    const size = { 24: 1, 25: 2, 26: 4, 27: 8 }[short];
    if (size === undefined) this.fail("an item has no definite length");
    if (this.bytes.length - this.at < size) this.fail("it ends too early");
    let value = 0;
    for (let index = 0; index < size; index++) value = value * 256 + this.bytes[this.at++];
    if (!Number.isSafeInteger(value)) this.fail("a number is too large");
    return { major, value };
  }

  peek() {
    if (this.at >= this.bytes.length) this.fail("it ends too early");
    return this.bytes[this.at];
  }

  expect(major, name) {
    const head = this.head();
    if (head.major !== major) this.fail(`${name} is missing or of another type`);
    return head.value;
  }

  integer(name) {
    const head = this.head();
    if (head.major === 0) return head.value;
    if (head.major === 1) return -1 - head.value;
    return this.fail(`${name} is not an integer`);
  }

  take(length, name) {
    if (length > this.bytes.length - this.at) this.fail(`${name} is longer than what is there`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  byteString(name) {
    return this.take(this.expect(2, name), name);
  }

  text(name) {
    return fromUtf8(this.take(this.expect(3, name), name), `${this.what}: ${name}`);
  }

  /** Number of items; each takes a byte at least. */
  count(major, name, bytesEach) {
    const count = this.expect(major, name);
    if (count * bytesEach > this.bytes.length - this.at) this.fail(`${name} has more members than there are bytes`);
    return count;
  }

  array(name) {
    return this.count(4, name, 1);
  }

  map(name) {
    return this.count(5, name, 2);
  }

  skip(depth = 4) {
    if (depth === 0) this.fail("it is nested too deeply");
    const { major, value } = this.head();
    if (major === 2 || major === 3) this.take(value, "a string");
    else if (major === 4 || major === 5) {
      const items = major === 5 ? value * 2 : value;
      if (items > this.bytes.length - this.at) this.fail("a list has more members than there are bytes");
      for (let index = 0; index < items; index++) this.skip(depth - 1);
    } else if (major === 6) this.skip(depth - 1);
  }

  end() {
    if (this.at !== this.bytes.length) this.fail("there are bytes behind it");
  }
}
