// CBOR (RFC 8949) as the NSM writes it: integers, byte strings, text, arrays, maps, null and tags. Strings have definite lengths; maps and
// arrays may have none, as newer NSMs write them.
// Lengths are compared with what is there before anything is taken, and depth is bounded.

class Cbor {
  constructor(bytes, what) {
    this.bytes = bytes;
    this.what = what;
    this.at = 0;
  }

  fail(problem) {
    refuse(say`${this.what}: ${problem}`);
  }

  /** Major type and argument of the next item. */
  head() {
    if (this.at >= this.bytes.length) this.fail(say`it ends too early`);
    const first = this.bytes[this.at++];
    const major = first >> 5;
    const short = first & 31;
    if (short < 24) return { major, value: short };
    const size = { 24: 1, 25: 2, 26: 4, 27: 8 }[short];
    if (size === undefined) this.fail(say`an item has no definite length`);
    if (this.bytes.length - this.at < size) this.fail(say`it ends too early`);
    let value = 0;
    for (let index = 0; index < size; index++) value = value * 256 + this.bytes[this.at++];
    if (!Number.isSafeInteger(value)) this.fail(say`a number is too large`);
    // Shortest heads only: one value, one spelling.
    if (value < { 1: 24, 2: 0x100, 4: 0x10000, 8: 0x100000000 }[size]) this.fail(say`a number is not in its shortest form`);
    return { major, value };
  }

  peek() {
    if (this.at >= this.bytes.length) this.fail(say`it ends too early`);
    return this.bytes[this.at];
  }

  expect(major, name) {
    const head = this.head();
    if (head.major !== major) this.fail(say`${name} is missing or of another type`);
    return head.value;
  }

  integer(name) {
    const head = this.head();
    if (head.major === 0) return head.value;
    if (head.major === 1) return -1 - head.value;
    return this.fail(say`${name} is not an integer`);
  }

  take(length, name) {
    if (length > this.bytes.length - this.at) this.fail(say`${name} is longer than what is there`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  byteString(name) {
    return this.take(this.expect(2, name), name);
  }

  text(name) {
    return fromUtf8(this.take(this.expect(3, name), name), say`${this.what}: ${name}`);
  }

  /** Number of items of a list that has one; each takes a byte at least. */
  count(major, name, bytesEach) {
    const count = this.expect(major, name);
    if (count * bytesEach > this.bytes.length - this.at) this.fail(say`${name} has more members than there are bytes`);
    return count;
  }

  /** Calls `each` before every item of an array (major type 4) or map (5), with or without a length; returns their number. */
  list(major, name, most, each) {
    let left = Infinity;
    if (this.peek() === (major << 5 | 31)) this.at++;
    else left = this.count(major, name, major === 5 ? 2 : 1);
    for (let number = 0; ; number++) {
      if (left === Infinity && this.peek() === 0xff) return this.at++, number;
      if (number === left) return number;
      if (number === most) this.fail(say`${name} has more than ${most} members`);
      each();
    }
  }

  skip(depth = 4) {
    if (depth === 0) this.fail(say`it is nested too deeply`);
    const major = this.peek() >> 5;
    const item = () => this.skip(depth - 1);
    if (major === 4) this.list(4, say`a list`, Infinity, item);
    else if (major === 5) this.list(5, say`a map`, Infinity, () => (item(), item()));
    else {
      const { value } = this.head();
      if (major === 2 || major === 3) this.take(value, say`a string`);
      else if (major === 6) item();
    }
  }

  end() {
    if (this.at !== this.bytes.length) this.fail(say`there are bytes behind it`);
  }
}
