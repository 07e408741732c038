import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { parseBox } from '../../src/web/state/box.js';
import { hasChromium } from './chromium.js';
import { focused } from './page-checks.js';
import { cards, query, usePageTest } from './page-test.js';

const item = '?id=noto/red-apple.png';

function boxOf(page: Page) {
  return parseBox(query(page).get('box'));
}

describe.skipIf(!hasChromium)('marking a part of the picture', () => {
  const test = usePageTest();

  const openAt = async (path: string): Promise<Page> => {
    const page = await test.open(path);
    await page.getByRole('img', { name: 'red apple' }).first().waitFor();
    await cards(page).first().waitFor();
    return page;
  };
  const drag = async (page: Page, from: [number, number], to: [number, number]): Promise<void> => {
    const bounds = await page.locator('.picture').boundingBox();
    if (!bounds) throw new Error('there is no picture');
    const at = ([x, y]: [number, number]): [number, number] => [
      bounds.x + x * bounds.width,
      bounds.y + y * bounds.height,
    ];
    await page.mouse.move(...at(from));
    await page.mouse.down();
    await page.mouse.move(...at(to), { steps: 5 });
    await page.mouse.up();
  };

  it('searches for what is dragged over', async () => {
    const page = await openAt(item);
    const before = await cards(page).first().getAttribute('aria-label');
    await drag(page, [0.7, 0.8], [0.2, 0.3]);
    await page.getByRole('heading', { level: 1, name: 'Looks like a part of red apple' }).waitFor();
    const box = boxOf(page);
    expect(box?.x).toBeCloseTo(0.2, 1);
    expect(box?.w).toBeCloseTo(0.5, 1);
    await expect.poll(() => cards(page).first().getAttribute('aria-label')).not.toBe(before);
    expect(test.server.calls.some((call) => call.includes('/similar') && call.includes('box={"x":0.2'))).toBe(true);
  });

  it('moves a box that is dragged inside, and resizes it at a corner', async () => {
    const page = await openAt(`${item}&box=0.2,0.2,0.4,0.4`);
    await drag(page, [0.4, 0.4], [0.5, 0.5]);
    await expect.poll(() => boxOf(page)?.x).toBeCloseTo(0.3, 1);
    expect(boxOf(page)?.w).toBe(0.4);
    await drag(page, [0.7, 0.7], [0.9, 0.8]);
    await expect.poll(() => boxOf(page)?.w).toBeCloseTo(0.6, 1);
    expect(boxOf(page)?.x).toBeCloseTo(0.3, 1);
  });

  it('takes a click for a click', async () => {
    const page = await openAt(item);
    await drag(page, [0.5, 0.5], [0.5, 0.51]);
    expect(boxOf(page)).toBeNull();
  });

  it('works by keyboard alone', async () => {
    const page = await openAt(item);
    await page.getByRole('button', { name: 'Search for a part' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toMatch(/^Marked part: 50% wide and 50% high/);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+ArrowLeft');
    await expect.poll(() => boxOf(page)).toEqual({ x: 0.27, y: 0.27, w: 0.48, h: 0.5 });
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    expect(boxOf(page)?.y).toBe(0.25);
    await page.keyboard.press('Escape');
    await expect.poll(() => boxOf(page)).toBeNull();
    await expect.poll(() => focused(page)).toBe('Search for a part');
  });

  it('goes back to the whole picture by button and by history', async () => {
    const page = await openAt(item);
    await drag(page, [0.2, 0.2], [0.6, 0.6]);
    await page.getByRole('button', { name: 'Search the whole picture' }).click();
    await page.getByRole('heading', { level: 1, name: 'Looks like red apple' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Looks like a part of red apple' }).waitFor();
    expect(await page.locator('.selection').isVisible()).toBe(true);
  });

  it('lets a finger scroll the page over the picture', async () => {
    const page = await test.open(`${item}&box=0.2,0.2,0.4,0.4`, {
      hasTouch: true,
      viewport: { width: 360, height: 740 },
    });
    await page.locator('.selection').waitFor();
    const touch = (selector: string): Promise<string> =>
      page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).touchAction`);
    expect(await touch('.picture')).toBe('auto');
    expect(await touch('.selection')).toBe('none');
  });
});
