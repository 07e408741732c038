import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSlotStorage, type SlotStorage } from '../../../src/learn/stem/slot-storage.js';
import { createSlotTable, slotsIn, tableBytes } from '../../../src/learn/stem/slot-table.js';
import { temporaryFolder } from '../../data/helpers.js';

const payloadBytes = 40;
const key = (n: number): Buffer => createHash('sha256').update(String(n)).digest();
const payload = (n: number): Buffer => Buffer.alloc(payloadBytes, `payload ${n} `);
const memory = (slots: number): SlotStorage =>
  openSlotStorage({ kind: 'memory', bytes: new SharedArrayBuffer(tableBytes(slots, payloadBytes)) });
const table = (storage: SlotStorage, slots: number, stamp = 7) =>
  createSlotTable({ storage, slots, payloadBytes, stamp });

async function file(): Promise<{ path: string; descriptor: number; storage: SlotStorage }> {
  const path = join(await temporaryFolder(), 'slots');
  const descriptor = openSync(path, 'w+');
  onTestFinished(() => closeSync(descriptor));
  return { path, descriptor, storage: openSlotStorage({ kind: 'file', descriptor }) };
}

describe('a slot table', () => {
  test('in memory and in a file gives back what was put, and nothing else', async () => {
    const disk = await file();
    for (const storage of [memory(300), disk.storage]) {
      const entries = table(storage, 300);
      for (let n = 0; n < 150; n++) {
        expect(entries.get(key(n))).toBeNull();
        expect(entries.put(key(n), payload(n))).toBe(true);
      }
      for (let n = 0; n < 150; n++) expect(entries.get(key(n))).toEqual(payload(n));
      expect(entries.get(key(150))).toBeNull();
      // Another table over the same bytes, as another thread or process has it, finds the same.
      expect(table(storage, 300, 8).get(key(149))).toEqual(payload(149));
    }
    expect(statSync(disk.path).size).toBeLessThanOrEqual(tableBytes(300, payloadBytes));
  });

  test('that is four fifths full has taken nearly everything, and never more than fits', () => {
    const entries = table(memory(500), 500);
    const taken = Array.from({ length: 2000 }, (_, n) => entries.put(key(n), payload(n)));
    expect(taken.slice(0, 400).filter(Boolean).length).toBeGreaterThan(390);
    const stored = taken.filter(Boolean).length;
    expect(stored).toBeGreaterThan(480);
    expect(stored).toBeLessThanOrEqual(500);
    taken.forEach((there, n) => expect(entries.get(key(n))).toEqual(there ? payload(n) : null));
  });

  test('gives the entries of runs that are over up for new ones, the longest unused first', () => {
    const storage = memory(16);
    const old = table(storage, 16, 1);
    for (let n = 0; n < 16; n++) old.put(key(n), payload(n));
    const used = table(storage, 16, 2);
    for (let n = 0; n < 8; n++) expect(used.get(key(n))).toEqual(payload(n));
    const next = table(storage, 16, 3);
    for (let n = 100; n < 108; n++) expect(next.put(key(n), payload(n))).toBe(true);
    for (let n = 0; n < 8; n++) expect(next.get(key(n))).toEqual(payload(n));
    for (let n = 8; n < 16; n++) expect(next.get(key(n))).toBeNull();
    expect(next.put(key(200), payload(200))).toBe(false); // all sixteen are of this run now
    expect(next.get(key(100))).toEqual(payload(100));
  });

  test('works with one slot, and counts how many fit', () => {
    const entries = table(memory(1), 1);
    expect([entries.put(key(1), payload(1)), entries.put(key(2), payload(2))]).toEqual([true, false]);
    expect(entries.get(key(1))).toEqual(payload(1));
    expect(slotsIn(tableBytes(9, payloadBytes), payloadBytes)).toBe(9);
    expect(slotsIn(tableBytes(9, payloadBytes) - 1, payloadBytes)).toBe(8);
  });
});

describe('damage', () => {
  const count = 20;
  const slots = 64;
  /** What a table with some of its bytes changed may answer: the truth or nothing; and it can be written anew. */
  function check(storage: SlotStorage): number {
    const entries = table(storage, slots);
    let lost = 0;
    for (let n = 0; n < count; n++) {
      const found = entries.get(key(n));
      if (found === null) lost++;
      else expect(found).toEqual(payload(n));
    }
    for (let n = 0; n < count; n++) entries.put(key(n), payload(n));
    for (let n = 0; n < count; n++) expect(entries.get(key(n))).toEqual(payload(n));
    return lost;
  }

  test('a flipped bit loses at most its entry', async () => {
    const { path, storage } = await file();
    const entries = table(storage, slots);
    for (let n = 0; n < count; n++) entries.put(key(n), payload(n));
    const whole = readFileSync(path);
    let lost = 0;
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        writeFileSync(path, damaged);
        const now = check(storage);
        expect(now).toBeLessThanOrEqual(1);
        lost += now;
      }),
      { numRuns: 80 },
    );
    expect(lost).toBeGreaterThan(20);
  });

  test('a file that was cut off loses what lay behind the cut', async () => {
    const { path, descriptor, storage } = await file();
    const entries = table(storage, slots);
    for (let n = 0; n < count; n++) entries.put(key(n), payload(n));
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        writeFileSync(path, whole);
        ftruncateSync(descriptor, length);
        expect(check(storage)).toBeGreaterThan(0);
      }),
      { numRuns: 40 },
    );
  });

  test('a write that stopped half-way, or was mixed with another’s, is no entry', () => {
    const storage = memory(1);
    const torn: SlotStorage = {
      read: (position, target) => storage.read(position, target),
      write: (position, bytes) => storage.write(position, bytes.length === payloadBytes ? bytes.subarray(20) : bytes),
    };
    table(torn, 1).put(key(1), Buffer.concat([payload(1).subarray(0, 39), Buffer.of(1)]));
    expect(table(storage, 1).get(key(1))).toBeNull();
    table(storage, 1).put(key(1), payload(1));
    expect(table(storage, 1).get(key(1))).toEqual(payload(1));
  });
});
