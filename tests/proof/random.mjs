// Choices that a seed repeats: PROOF_SEED, else one of the moment, which every test prints.
export const SEED = Number(process.env.PROOF_SEED ?? Date.now() % 1_000_000_000);

// Mulberry32: 32 bits of state, good enough to spread choices. `stream` makes independent ones of a seed.
export class Random {
  #state;

  constructor(stream = 0) {
    this.#state = (SEED + Math.imul(stream + 1, 0x9e3779b1)) >>> 0;
  }

  // In [0, 1).
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability) {
    return this.next() < probability;
  }

  // From 0 to limit - 1.
  below(limit) {
    return Math.floor(this.next() * limit);
  }

  pick(list) {
    return list[this.below(list.length)];
  }
}
