import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../../src/report/page.js';
import { createWorld, wickedName } from '../report/fixture.js';
import { hasChromium, openPage, startChromium, type WatchedPage } from './chromium.js';
import { accessibilityFaults, paleText, sidewaysOverflow } from './page-checks.js';

describe.skipIf(!hasChromium)('the report', () => {
  let browser: Browser;
  let url = '';
  const opened: WatchedPage[] = [];
  const cleanUp: (() => Promise<unknown>)[] = [];
  const open = async (options: BrowserContextOptions = {}) => {
    const watched = await openPage(browser, url, options);
    opened.push(watched);
    return watched.page;
  };

  beforeAll(async () => {
    const world = await createWorld();
    cleanUp.push(() => world.remove());
    const file = join(world.base, 'report.html');
    await writeFile(file, renderPage(await world.report(true)));
    url = pathToFileURL(file).href;
    browser = await startChromium();
    cleanUp.unshift(() => browser.close());
  });
  afterEach(async () => {
    const pages = opened.splice(0);
    await Promise.all(pages.map((page) => page.close()));
    expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
    expect(pages.flatMap(({ strays }) => strays)).toEqual([]);
  });
  afterAll(async () => {
    for (const part of cleanUp) await part();
  });

  it('shows every section with its charts and pictures, and asks for no other file', async () => {
    const page = await open();
    const headings = await page.locator('h2').allTextContents();
    expect(headings).toHaveLength(8);
    expect(await page.locator('figure svg[role=img][aria-label]').count()).toBe(11);
    const broken = '[...document.images].filter((image) => image.naturalWidth === 0).length';
    expect(await page.evaluate<number>(broken)).toBe(0);
    expect(await page.evaluate<number>('document.images.length')).toBeGreaterThan(30);
    const others = `performance.getEntriesByType('resource').filter(({ name }) => !name.startsWith('data:')).length`;
    expect(await page.evaluate<number>(others)).toBe(0);
  });

  it('shows the picture and the class of a dot, and one class at a time', async () => {
    const page = await open();
    await page.locator('.map circle').first().hover({ force: true });
    await page.locator('#tip b').waitFor();
    expect(await page.locator('#tip b').textContent()).not.toBe('');
    await page.locator('#map-class').selectOption(wickedName);
    const faint = `[...document.querySelectorAll('.map circle')].filter((dot) => dot.style.opacity === '0.06').length`;
    expect(await page.evaluate<number>(faint)).toBe(16);
  });

  it.each(['light', 'dark'] as const)('is accessible and fits 360 pixels, %s', async (colorScheme) => {
    const page = await open({ colorScheme, viewport: { width: 360, height: 740 } });
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await paleText(page)).toEqual([]);
    expect(await sidewaysOverflow(page)).toBe(0);
  });

  it('draws its charts in the colours of the scheme', async () => {
    const line = `getComputedStyle(document.querySelector('figure [aria-label=line]')).stroke`;
    const light = await (await open({ colorScheme: 'light' })).evaluate<string>(line);
    const dark = await (await open({ colorScheme: 'dark' })).evaluate<string>(line);
    expect(light).toMatch(/^rgb/);
    expect(dark).not.toBe(light);
  });
});
