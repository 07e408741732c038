import { describe, expect, it } from 'vitest';
import { hasChromium } from './chromium.js';
import { focused, giveFile } from './page-checks.js';
import { cards, labels, query, somePicture, usePageTest } from './page-test.js';

describe.skipIf(!hasChromium)('searching on the page', () => {
  const test = usePageTest();

  it('shows the neighbours of an item that is clicked, nearest first', async () => {
    const page = await test.open();
    await page.getByRole('link', { name: 'avocado, food & drink, find look-alikes' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Looks like avocado' }).waitFor();
    await cards(page).first().waitFor();
    expect(await cards(page).count()).toBe(24);
    const distances = (await page.locator('.closeness-number').allTextContents()).map(Number);
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    expect(query(page).get('id')).toBe('fluent-emoji-flat/avocado.png');
    const first = await cards(page).first().getAttribute('aria-label');
    expect(first).toMatch(/^avocado, food & drink, distance 0\.\d\d, same label$/);
    expect(await cards(page).locator('.badge').count()).toBe(3);
    expect(await page.locator('[role=status]').textContent()).toBe('24 closest items, nearest first');
  });

  it('says how likely a result is the same, where the model is calibrated', async () => {
    const plain = await test.open('?id=noto/red-apple.png');
    await cards(plain).first().waitFor();
    expect(await plain.locator('.closeness-score').count()).toBe(0);
    test.server.calibrate();
    const page = await test.open('?id=noto/red-apple.png');
    await cards(page).first().waitFor();
    const scores = await page.locator('.closeness-score').allTextContents();
    expect(scores).toHaveLength(24);
    const percents = scores.map((text) => Number(/^likely the same: [<>]? ?(\d+) %$/.exec(text)?.[1]));
    // The stand-in's scores fall with the distance, by which the cards are ordered.
    expect(percents).toEqual([...percents].sort((a, b) => b - a));
    expect(new Set(percents).size).toBeGreaterThan(5);
    expect(await cards(page).first().getAttribute('aria-label')).toContain(scores[0]);
    expect(await page.locator('.legend').textContent()).toContain('learned from labelled pictures');
  });

  it('moves the focus to the new heading, and back to the card one came from', async () => {
    const page = await test.open();
    await cards(page).nth(10).focus();
    const card = await focused(page);
    await page.keyboard.press('Enter');
    await cards(page).first().waitFor();
    expect(await focused(page)).toMatch(/^Looks like/);
    await page.goBack();
    await page.getByRole('heading', { name: 'Find what looks alike' }).waitFor();
    await expect.poll(() => focused(page)).toBe(card);
  });

  it('shows more results on request, and says so in the address', async () => {
    const page = await test.open('?id=noto/red-apple.png');
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => cards(page).count()).toBe(48);
    expect(query(page).get('limit')).toBe('48');
  });

  it('searches with a chosen file, and says that the link cannot carry it', async () => {
    const page = await test.open();
    const file = { name: 'my apple.png', mimeType: 'image/png', buffer: await somePicture() };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('heading', { level: 1, name: 'Looks like your picture' }).waitFor();
    await cards(page).first().waitFor();
    expect(await page.getByText('my apple.png').isVisible()).toBe(true);
    expect(await page.getByText(/the link to this page cannot bring it back/).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: /Copy link/ }).count()).toBe(0);
    expect(await page.locator('.badge').count()).toBe(0);
    expect(test.server.calls).toContain('POST /v1/search limit=24');
  });

  it('opens the file dialog with its button', async () => {
    const page = await test.open();
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Choose a picture' }).click();
    expect((await chooser).isMultiple()).toBe(false);
  });

  it.each(['paste', 'drop'] as const)('searches with a picture by %s', async (how) => {
    const page = await test.open();
    await page.getByRole('heading', { name: 'Find what looks alike' }).waitFor();
    await giveFile(page, how, await somePicture());
    await page.getByRole('heading', { level: 1, name: 'Looks like your picture' }).waitFor();
    await cards(page).first().waitFor();
  });

  it('finds an uploaded picture again after back and forward, but not after a reload', async () => {
    const page = await test.open();
    await page.getByRole('heading', { name: 'Find what looks alike' }).waitFor();
    await giveFile(page, 'paste', await somePicture());
    await cards(page).first().click();
    await page.getByRole('heading', { level: 1, name: /Looks like (?!your)/ }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Looks like your picture' }).waitFor();
    await page.getByRole('img', { name: 'Your picture' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'This picture was not kept' }).waitFor();
    expect(await page.getByRole('button', { name: 'Choose a picture' }).isVisible()).toBe(true);
  });

  it('says what to do when there is no picture to paste', async () => {
    const page = await test.open();
    await page.getByRole('heading', { name: 'Find what looks alike' }).waitFor();
    await page.evaluate(
      `document.body.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, clipboardData: new DataTransfer() }))`,
    );
    await page.getByRole('alert').getByText('There is no picture on the clipboard').waitFor();
    await page.getByRole('button', { name: 'Dismiss this message' }).click();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('copies a link that shows the same search to somebody else', async () => {
    const page = await test.open('?id=noto/red-apple.png&box=0.2,0.2,0.5,0.5&f.house=twemoji', {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await cards(page).first().waitFor();
    const names = await labels(page, 'a.card');
    await page.getByRole('button', { name: /Copy link/ }).click();
    await page.getByRole('button', { name: 'Link copied' }).waitFor();
    const link = await page.evaluate<string>('navigator.clipboard.readText()');
    const other = await test.open(link.slice(test.server.url.length));
    await cards(other).first().waitFor();
    expect(await labels(other, 'a.card')).toEqual(names);
  });
});
