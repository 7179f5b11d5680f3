// The CBOR (RFC 8949) that cairn.signal.v2 needs: canonical out; definite lengths in, which is all that the server says.
// Numbers above 2^53 come back as BigInt. Unknown items are read and skipped; what is malformed throws.

const MAX_DEPTH = 64;
const text = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** value: a string, a Uint8Array, a whole number from 0 up (or BigInt), or an object of those. Returns a Uint8Array. */
export function encode(value) {
  const parts = [];
  write(parts, value);
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function write(parts, value) {
  if (typeof value === 'string') {
    const bytes = text.encode(value);
    parts.push(head(3, bytes.length), bytes);
  } else if (value instanceof Uint8Array) {
    parts.push(head(2, value.length), value);
  } else if (typeof value === 'object' && value !== null) {
    // A field that is undefined is left out: null for a missing field is an error to the server.
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    parts.push(head(5, entries.length));
    entries.forEach((entry) => entry.forEach((item) => write(parts, item)));
  } else {
    parts.push(head(0, value));
  }
}

function head(major, value) {
  const first = major << 5;
  if (value < 24) return Uint8Array.of(first | Number(value));
  if (value < 0x100) return Uint8Array.of(first | 24, Number(value));
  const [size, code, set] =
    value < 0x10000 ? [2, 25, 'setUint16'] : value < 0x100000000 ? [4, 26, 'setUint32'] : [8, 27, 'setBigUint64'];
  const bytes = new Uint8Array(1 + size);
  bytes[0] = first | code;
  new DataView(bytes.buffer)[set](1, size === 8 ? BigInt(value) : Number(value));
  return bytes;
}

/** The first item of a Uint8Array. Throws if it is not well-formed. */
export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  const take = (count) => {
    if (count > bytes.length - at) throw new Error('CBOR: truncated');
    at += count;
    return at - count;
  };

  const argument = (info) => {
    if (info < 24) return info;
    if (info === 24) return view.getUint8(take(1));
    if (info === 25) return view.getUint16(take(2));
    if (info === 26) return view.getUint32(take(4));
    if (info !== 27) throw new Error('CBOR: no definite length');
    const large = view.getBigUint64(take(8));
    return large <= Number.MAX_SAFE_INTEGER ? Number(large) : large;
  };

  const item = (depth) => {
    if (depth > MAX_DEPTH) throw new Error('CBOR: nested too deep');
    const first = view.getUint8(take(1));
    const value = argument(first & 31);
    switch (first >> 5) {
      case 0:
        return value;
      case 1:
        return typeof value === 'bigint' ? -1n - value : -1 - value;
      case 2:
        return bytes.slice(take(value), at);
      case 3:
        return utf8.decode(bytes.subarray(take(value), at));
      case 4: {
        const items = [];
        for (let index = 0; index < value; index++) items.push(item(depth + 1));
        return items;
      }
      case 5: {
        const fields = {};
        for (let index = 0; index < value; index++) {
          const key = item(depth + 1);
          const field = item(depth + 1);
          // Not an assignment: a key may be "__proto__".
          Object.defineProperty(fields, key, { value: field, enumerable: true, configurable: true, writable: true });
        }
        return fields;
      }
      case 6:
        return item(depth + 1);
      default:
        return simple(first & 31, value, at);
    }
  };

  /** Floats have been passed over as an argument of their width. */
  const simple = (info, value, end) => {
    if (info === 26) return view.getFloat32(end - 4);
    if (info === 27) return view.getFloat64(end - 8);
    return { 20: false, 21: true, 22: null }[value];
  };

  return item(0);
}
