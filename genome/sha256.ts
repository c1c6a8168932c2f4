// SHA-256 (FIPS 180-4), synchronous and without a runtime's crypto module, so that browser and server hash alike.

const roundConstants = fractionsOfPrimeRoots(64, 3);
const initialState = fractionsOfPrimeRoots(8, 2);

/** Hex digest of a text's UTF-8 bytes. */
export function sha256(text: string): string {
  const bytes = pad(new TextEncoder().encode(text));
  const state = Uint32Array.from(initialState);
  const schedule = new Uint32Array(64);
  for (let offset = 0; offset < bytes.byteLength; offset += 64) compress(state, schedule, bytes, offset);
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

/** Message, a one bit, zeros, and the length in bits as 64 bits. */
function pad(message: Uint8Array): DataView {
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, (message.length * 8) >>> 0);
  return view;
}

function compress(state: Uint32Array, w: Uint32Array, bytes: DataView, offset: number): void {
  for (let t = 0; t < 16; t++) w[t] = bytes.getUint32(offset + 4 * t);
  for (let t = 16; t < 64; t++) {
    const w15 = w[t - 15]!;
    const w2 = w[t - 2]!;
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + roundConstants[t]! + w[t]!) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] = state[i]! + word;
  });
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits of the fractional parts of the square or cube roots of the first primes. */
function fractionsOfPrimeRoots(count: number, degree: 2 | 3): number[] {
  const fractions: number[] = [];
  for (let candidate = 2; fractions.length < count; candidate++) {
    if (!isPrime(candidate)) continue;
    const root = degree === 2 ? Math.sqrt(candidate) : Math.cbrt(candidate);
    fractions.push(Math.floor((root - Math.floor(root)) * 2 ** 32));
  }
  return fractions;
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
