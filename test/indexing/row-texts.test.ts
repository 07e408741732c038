import { expect, it } from 'vitest';
import { openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { RowTexts } from '../../src/indexing/embedded/row-texts.js';
import { dimension, fingerprint, newItem, unit } from '../contracts/catalogue.js';
import { temporaryFolder } from './helpers.js';

it('keeps the newest, and no more characters than it may', () => {
  const texts = new RowTexts(10);
  texts.at(1);
  texts.keep(1, 'aaaa');
  texts.keep(2, 'bbbb');
  texts.keep(1, 'aa');
  texts.keep(3, 'cccc');
  expect([1, 2, 3].map((row) => texts.get(row))).toEqual(['aa', 'bbbb', 'cccc']);
  texts.keep(4, 'd');
  expect([1, 2, 3, 4].map((row) => texts.get(row))).toEqual(['aa', undefined, 'cccc', 'd']);
  texts.keep(3, 'longer than all');
  expect([1, 3, 4].map((row) => texts.get(row))).toEqual(['aa', undefined, 'd']);
  texts.forget(4);
  expect(texts.get(4)).toBeUndefined();
});

it('keeps nothing once something else has written', () => {
  const texts = new RowTexts();
  texts.at(1);
  texts.keep(1, 'a');
  texts.at(1);
  expect(texts.get(1)).toBe('a');
  texts.at(2);
  expect(texts.get(1)).toBeUndefined();
});

it('a reader beside a writer gives items as they are now', async () => {
  const folder = await temporaryFolder();
  const query = unit(1, 0, 0, 0);
  const writer = await openEmbeddedCatalogue({ folder, create: { fingerprint, dimension } });
  await writer.put([newItem('a', query, { label: 'first' })]);
  const reader = await openEmbeddedCatalogue({ folder, readOnly: true });
  const label = async () => (await reader.search(query, { limit: 1 }))[0]?.item.label;
  expect(await label()).toBe('first');
  expect(await label()).toBe('first');
  await writer.put([newItem('a', query, { label: 'second' })]);
  expect(await label()).toBe('second');
  await reader.close();
  await writer.close();
});
