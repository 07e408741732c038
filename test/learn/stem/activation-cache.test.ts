import { closeSync, openSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { openActivationCache, type ActivationCacheSetup } from '../../../src/learn/stem/activation-cache.js';

const setup = (descriptor: number): ActivationCacheSetup => ({
  storage: { kind: 'file', descriptor },
  place: 'the place',
  slots: 100,
  values: 4,
  stamp: 1,
  identity: 'stem',
  failed: new SharedArrayBuffer(8),
});
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const activations = Float32Array.of(1 / 3, 0, 6, -1 / 7);
const halves = [0.333251953125, 0, 6, -0.142822265625];

test('a full disk costs one warning of all workers together, and no numbers', () => {
  const descriptor = openSync('/dev/full', 'r+'); // reads as zeros, answers every write with ENOSPC
  onTestFinished(() => closeSync(descriptor));
  const warnings: string[] = [];
  const shared = setup(descriptor);
  const workers = [0, 1].map(() => openActivationCache(shared, 'here', (text) => warnings.push(text)));
  for (const [n, cache] of workers.entries()) {
    const target = new Float32Array(4);
    const key = cache.key(hash(n), 'view');
    cache.put(key, activations, target);
    expect([...target]).toEqual(halves);
    expect(cache.get(key, target)).toBe(false);
  }
  expect(warnings).toEqual(['no space left to write the place: training goes on, but nothing more is cached']);
});

test('what cannot be read is computed anew, with one warning', () => {
  const descriptor = openSync('/proc/self/mem', 'r'); // answers reads at its start with EIO
  onTestFinished(() => closeSync(descriptor));
  const warnings: string[] = [];
  const cache = openActivationCache(setup(descriptor), 'here', (text) => warnings.push(text));
  for (let n = 0; n < 3; n++) expect(cache.get(cache.key(hash(n), 'view'), new Float32Array(4))).toBe(false);
  expect(warnings).toEqual([expect.stringMatching(/^part of the cache in the place cannot be read \(.*EIO/)]);
});

test('the key depends on the picture, its view, the stem and where it was computed', () => {
  const cache = (identity: string, environment: string) =>
    openActivationCache({ ...setup(0), storage: null, identity }, environment, () => undefined);
  const keys = [
    cache('stem', 'here').key(hash(0), 'view'),
    cache('stem', 'here').key(hash(1), 'view'),
    cache('stem', 'here').key(hash(0), 'other view'),
    cache('other stem', 'here').key(hash(0), 'view'),
    cache('stem', 'there').key(hash(0), 'view'),
  ].map((key) => Buffer.from(key).toString('hex'));
  expect(new Set(keys).size).toBe(5);
  expect(Buffer.from(cache('stem', 'here').key(hash(0), 'view')).toString('hex')).toBe(keys[0]);
});
