// Seeded damage to valid GGUFs: cut at every metadata boundary, overwritten fields, flipped bits, spliced and extended
// files. A case is a description and bytes that are only valid until the next one, so that memory stays flat.

import type { SeededRandom } from "./seeded-random.ts";

export interface GgufMutation {
  readonly what: string;
  readonly bytes: Uint8Array;
}

const FIXED_SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;

const HOSTILE_WORDS: readonly bigint[] = [
  0n,
  1n,
  3n,
  0xffn,
  0xffff_ffffn,
  0x8000_0000n,
  1n << 32n,
  1n << 40n,
  1n << 53n,
  (1n << 61n) + 1n,
  1n << 62n,
  1n << 63n,
  (1n << 64n) - 1n,
];

/** Offsets at which a field of a valid v3 file begins, the end of the metadata last. */
export function fieldOffsets(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offsets = [0, 4, 8, 16, 24];
  let at = 24;
  const step = (size: number): void => {
    at += size;
    offsets.push(at);
  };
  const word = (): number => Number(view.getBigUint64(at, true));
  const string = (): void => {
    const length = word();
    step(8);
    step(length);
  };
  const value = (type: number): void => (type === STRING ? string() : step(FIXED_SIZES[type] ?? 0));
  const typeId = (): number => {
    const type = view.getUint32(at, true);
    step(4);
    return type;
  };
  for (let key = Number(view.getBigUint64(16, true)); key > 0; key--) {
    string();
    const type = typeId();
    if (type !== ARRAY) {
      value(type);
      continue;
    }
    const elementType = typeId();
    const count = word();
    step(8);
    for (let index = 0; index < count; index++) {
      // The ends and the middle of an array stand for all of it.
      const shown = index < 2 || index === count >> 1 || index === count - 1;
      const known = offsets.length;
      value(elementType);
      if (!shown) offsets.length = known;
    }
  }
  for (let tensor = Number(view.getBigUint64(8, true)); tensor > 0; tensor--) {
    string();
    const dimensions = typeId();
    step(8 * dimensions);
    step(4);
    step(8);
  }
  return [...new Set(offsets)];
}

export function* mutateGguf(valid: Uint8Array, other: Uint8Array, random: SeededRandom): Generator<GgufMutation, void> {
  const offsets = fieldOffsets(valid);
  const metadataEnd = offsets.at(-1) ?? valid.byteLength;
  for (const offset of offsets) {
    yield { what: `cut at ${offset}`, bytes: valid.subarray(0, offset) };
    if (offset > 0) yield { what: `cut before ${offset}`, bytes: valid.subarray(0, offset - 1) };
  }
  for (const length of [valid.byteLength - 1, valid.byteLength - 64, metadataEnd + 1]) {
    yield { what: `cut at ${length}`, bytes: valid.subarray(0, length) };
  }
  const scratch = new Uint8Array(valid.byteLength + 4096);
  yield* overwrite(valid, offsets, scratch, random);
  yield* flip(valid, metadataEnd, scratch, random);
  yield* splice(valid, other, metadataEnd, scratch, random);
  for (const extra of [1, 31, 4096]) {
    scratch.set(valid);
    scratch.fill(random.below(256), valid.byteLength);
    yield { what: `longer by ${extra}`, bytes: scratch.subarray(0, valid.byteLength + extra) };
  }
}

function* overwrite(
  valid: Uint8Array,
  offsets: readonly number[],
  scratch: Uint8Array,
  random: SeededRandom,
): Generator<GgufMutation, void> {
  const view = new DataView(scratch.buffer);
  for (const offset of offsets.slice(0, -1)) {
    const hostile = HOSTILE_WORDS[random.below(HOSTILE_WORDS.length)] ?? 0n;
    const wide = random.below(2) === 0 && offset + 8 <= valid.byteLength;
    scratch.set(valid);
    if (wide) view.setBigUint64(offset, hostile, true);
    else view.setUint32(offset, Number(hostile & 0xffff_ffffn), true);
    yield { what: `${hostile} as ${wide ? 8 : 4} bytes at ${offset}`, bytes: scratch.subarray(0, valid.byteLength) };
  }
}

function* flip(
  valid: Uint8Array,
  metadataEnd: number,
  scratch: Uint8Array,
  random: SeededRandom,
): Generator<GgufMutation, void> {
  for (let round = 0; round < 150; round++) {
    scratch.set(valid);
    const flips = Array.from({ length: 1 + random.below(3) }, () => random.below(metadataEnd));
    for (const at of flips) scratch[at] = (scratch[at] ?? 0) ^ (1 << random.below(8));
    yield { what: `flipped at ${flips.join(", ")}`, bytes: scratch.subarray(0, valid.byteLength) };
  }
}

function* splice(
  valid: Uint8Array,
  other: Uint8Array,
  metadataEnd: number,
  scratch: Uint8Array,
  random: SeededRandom,
): Generator<GgufMutation, void> {
  for (let round = 0; round < 60; round++) {
    const from = random.below(metadataEnd);
    const length = 1 + random.below(256);
    const to = random.below(metadataEnd);
    scratch.set(valid);
    if (round % 3 === 0) {
      scratch.copyWithin(from, from + length, valid.byteLength);
      yield { what: `without ${length} at ${from}`, bytes: scratch.subarray(0, valid.byteLength - length) };
      continue;
    }
    const donor = round % 3 === 1 ? valid : other;
    scratch.set(donor.subarray(from, from + length), to);
    yield { what: `${length} from ${from} put at ${to}`, bytes: scratch.subarray(0, valid.byteLength) };
  }
}
