// numpy's SeedSequence: turns an integer into the words that a generator starts from.
//
// Melissa O'Neill's seed_seq_fe, as in numpy/random/bit_generator.pyx. Only plain integer entropy is supported.

const poolSize = 4;

/** `count` 32-bit words of `SeedSequence(entropy).generate_state(count)`. */
export function seedWords(entropy: number | bigint, count: number): Uint32Array {
  const pool = seedPool(entropy);
  const words = new Uint32Array(count);
  let hash = 0x8b51f9dd;
  for (let i = 0; i < count; i++) {
    let value = (pool[i % poolSize] as number) ^ hash;
    hash = Math.imul(hash, 0x58f38ded);
    value = Math.imul(value, hash);
    words[i] = value ^ (value >>> 16);
  }
  return words;
}

/** The four words into which the entropy is mixed. */
export function seedPool(entropy: number | bigint): Uint32Array {
  const words = entropyWords(entropy);
  const pool = new Uint32Array(poolSize);
  let hash = 0x43b0d7e5;

  function hashed(word: number): number {
    let value = word ^ hash;
    hash = Math.imul(hash, 0x931e8875);
    value = Math.imul(value, hash);
    return value ^ (value >>> 16);
  }
  function mixed(x: number, y: number): number {
    const value = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return value ^ (value >>> 16);
  }

  for (let i = 0; i < poolSize; i++) pool[i] = hashed(words[i] ?? 0);
  for (let source = 0; source < poolSize; source++) {
    for (let target = 0; target < poolSize; target++) {
      if (source !== target) pool[target] = mixed(pool[target] as number, hashed(pool[source] as number));
    }
  }
  for (const word of words.slice(poolSize)) {
    for (let target = 0; target < poolSize; target++) pool[target] = mixed(pool[target] as number, hashed(word));
  }
  return pool;
}

/** Little-endian 32-bit words; zero is one zero word. */
function entropyWords(entropy: number | bigint): number[] {
  if (typeof entropy === "number" && !Number.isSafeInteger(entropy)) {
    throw new RangeError(`seed ${entropy}: a seed is an integer (a bigint beyond 2^53)`);
  }
  let rest = BigInt(entropy);
  if (rest < 0n) throw new RangeError(`seed ${entropy}: a seed is not negative`);
  const words: number[] = [];
  do {
    words.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}
