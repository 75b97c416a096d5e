// xoshiro128** (Blackman and Vigna, 2018), seeded by splitmix32: a small, fast, well-tested generator for drawing tokens.

export class Xoshiro128 {
  readonly #state = new Uint32Array(4);

  /** `seed`: 32 bits; the same seed gives the same numbers. */
  constructor(seed: number) {
    let state = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      state = (state + 0x9e3779b9) >>> 0;
      let word = state;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[i] = word ^ (word >>> 15);
    }
  }

  /** Uniform from 0 up to, not including, 1, in steps of 2^-53. */
  next(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  #word(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    state[2] = c ^ a;
    state[3] = d ^ b;
    state[1] = b ^ (state[2] ?? 0);
    state[0] = a ^ (state[3] ?? 0);
    state[2] = (state[2] ?? 0) ^ (b << 9);
    state[3] = ((state[3] ?? 0) << 11) | ((state[3] ?? 0) >>> 21);
    return result;
  }
}
