import { describe, expect, it } from 'vitest';
import { hasChromium } from './chromium.js';
import { cards, labels, query, usePageTest } from './page-test.js';

describe.skipIf(!hasChromium)('browsing the catalogue', () => {
  const test = usePageTest();

  it('says what this is, what is in the index and how to begin', async () => {
    const page = await test.open();
    await cards(page).first().waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Find what looks alike');
    expect(await page.locator('.facts').textContent()).toContain('120 items');
    expect(await page.locator('.facts').textContent()).toContain('nsfwjs-mobilenet-v2');
    expect(await page.locator('.facts').textContent()).toContain('contrastive + gate');
    expect(await page.locator('a.sample').count()).toBe(6);
    const names = await labels(page, 'a.sample');
    expect(new Set(names).size).toBe(6);
  });

  it('loads more, and still shows all of it after going there and back', async () => {
    const page = await test.open();
    await cards(page).first().waitFor();
    expect(await cards(page).count()).toBe(24);
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => cards(page).count()).toBe(72);
    const card = cards(page).nth(60);
    await card.scrollIntoViewIfNeeded();
    const scrolled = await page.evaluate<number>('scrollY');
    await card.click();
    await page.getByRole('heading', { level: 1, name: /^Looks like/ }).waitFor();
    expect(await page.evaluate<number>('scrollY')).toBe(0);
    await page.goBack();
    await expect.poll(() => cards(page).count()).toBe(72);
    await expect.poll(() => page.evaluate<number>('scrollY')).toBeGreaterThan(scrolled - 50);
  });

  it('filters by field, says how many there are, and goes back', async () => {
    const page = await test.open();
    await page.getByLabel('Category', { exact: true }).selectOption('objects');
    await page.locator('.count', { hasText: '16 items' }).waitFor();
    expect(await cards(page).count()).toBe(16);
    expect(query(page).get('f.category')).toBe('objects');
    await page.getByLabel('House', { exact: true }).selectOption('noto');
    await page.locator('.count', { hasText: '4 items' }).waitFor();
    await page.goBack();
    await page.locator('.count', { hasText: '16 items' }).waitFor();
    expect(await page.getByLabel('House', { exact: true }).inputValue()).toBe('');
    await page.getByRole('button', { name: 'Clear filter' }).click();
    await page.locator('.count', { hasText: '120 items' }).waitFor();
    expect(page.url()).toBe(test.server.url);
  });

  it('filters results, and keeps the filter from result to result', async () => {
    const page = await test.open('?id=noto/red-apple.png');
    await page.getByLabel('House', { exact: true }).selectOption('twemoji');
    await expect.poll(() => cards(page).count()).toBe(24);
    await cards(page).first().click();
    await page.getByRole('img', { name: 'red apple' }).first().waitFor();
    await expect.poll(() => query(page).get('id')).toBe('twemoji/red-apple.png');
    expect(query(page).get('f.house')).toBe('twemoji');
    await cards(page).first().waitFor();
    const details = page.locator('.item-facts');
    expect(await details.textContent()).toContain('twemoji');
  });

  it('leads from a fact of an item to the items that share it, and back to the catalogue as it was', async () => {
    const page = await test.open('?f.category=objects');
    await cards(page).first().click();
    await page.getByRole('link', { name: 'All items' }).click();
    await page.locator('.count', { hasText: '16 items' }).waitFor();
    await cards(page).first().click();
    await page.getByRole('link', { name: 'Browse items with house fluent-emoji-flat' }).click();
    await page.locator('.count', { hasText: '30 items' }).waitFor();
  });

  it('shows a filter of a shared link even when the catalogue does not offer it', async () => {
    const page = await test.open('?f.colour=red');
    await page.getByText('No item matches this filter').waitFor();
    expect(await page.getByLabel('Colour').inputValue()).toBe('red');
    await page.getByLabel('Colour').fill('');
    await page.locator('.count', { hasText: '120 items' }).waitFor();
  });

  it('opens an item in a new tab like any link', async () => {
    const page = await test.open();
    const link = await cards(page).first().getAttribute('href');
    expect(link).toBe('?id=fluent-emoji-flat/automobile.png');
    const opened = page.context().waitForEvent('page');
    await cards(page)
      .first()
      .click({ modifiers: ['Control'] });
    const tab = await opened;
    await tab.getByRole('heading', { level: 1, name: 'Looks like automobile' }).waitFor();
    expect(page.url()).toBe(test.server.url);
  });
});
