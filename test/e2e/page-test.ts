import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { buildPage, type BuiltPage } from './built-page.js';
import { openPage, startChromium, type WatchedPage } from './chromium.js';
import { drawingOf, mockItems } from './mock-items.js';
import { startMockServer, type MockServer } from './mock-server.js';

export interface PageTest {
  readonly server: MockServer;
  /** Opens the page at an address below its root; closed, and its complaints checked, after each test. */
  open(path?: string, options?: BrowserContextOptions): Promise<Page>;
}

/** Sets up the built page, the stand-in server and a browser for a file of tests. */
export function usePageTest(): PageTest {
  let built: BuiltPage | undefined;
  let server: MockServer | undefined;
  let browser: Browser | undefined;
  const opened: WatchedPage[] = [];

  beforeAll(async () => {
    built = await buildPage();
    server = await startMockServer(built.folder);
    browser = await startChromium();
  });
  afterEach(async () => {
    const pages = opened.splice(0);
    await Promise.all(pages.map((page) => page.close()));
    server?.heal();
    server?.calls.splice(0);
    expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
    expect(pages.flatMap(({ strays }) => strays)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await built?.remove();
  });

  const ready = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error('the set-up has not run');
    return part;
  };
  return {
    get server() {
      return ready(server);
    },
    async open(path = '', options = {}) {
      const watched = await openPage(ready(browser), ready(server).url + path, options);
      opened.push(watched);
      return watched.page;
    },
  };
}

/** A drawing of the catalogue as an encoded picture. */
export async function somePicture(): Promise<Buffer> {
  const item = mockItems.find(({ id }) => id === 'noto/red-apple.png');
  if (!item) throw new Error('the drawing is gone');
  return sharp(Buffer.from(drawingOf(item)))
    .png()
    .toBuffer();
}

/** The cards of the grid below the heading, once loaded. */
export function cards(page: Page) {
  return page.locator('ul.grid:not([data-loading]):not(.grid-stale) a.card');
}

export function query(page: Page): URLSearchParams {
  return new URL(page.url()).searchParams;
}

/** The accessible labels of what a selector finds, in order. */
export async function labels(page: Page, selector: string): Promise<string[]> {
  return page.evaluate<string[]>(
    `[...document.querySelectorAll('${selector}')].map((found) => found.getAttribute('aria-label'))`,
  );
}

/** Waits until nothing on the page is loading any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('h1').waitFor();
  await page.locator('[aria-busy=true], .skeleton').first().waitFor({ state: 'detached' });
}
