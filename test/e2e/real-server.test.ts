import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedCatalogue } from '../../src/indexing/embedded/embedded-catalogue.js';
import { createSearch } from '../../src/search/search.js';
import { allowedHostsFor } from '../../src/server/middleware/security.js';
import { startServer, type RunningServer } from '../../src/server/start.js';
import { createWorld, picture } from '../server/helpers.js';
import { buildPage } from './built-page.js';
import { hasChromium, openPage, startChromium, type WatchedPage } from './chromium.js';
import { accessibilityFaults, giveFile, sidewaysOverflow } from './page-checks.js';
import { cards, labels, query, settled } from './page-test.js';

/** The page before kindred's own server and catalogue, with their checks and odd ids; the embedding is the mean colour. */
describe.skipIf(!hasChromium)('the page on the real server', () => {
  let server: RunningServer;
  let browser: Browser;
  const opened: WatchedPage[] = [];
  const cleanUp: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const built = await buildPage();
    cleanUp.unshift(() => built.remove());
    const world = await createWorld();
    cleanUp.unshift(() => world.close());
    const { fingerprint, dimension } = world.embedder;
    const folder = join(world.folder, 'catalogue');
    await mkdir(folder);
    const catalogue = await openEmbeddedCatalogue({ folder, create: { fingerprint, dimension } });
    cleanUp.unshift(() => catalogue.close());
    await catalogue.put(world.items);
    const search = createSearch({ catalogue, embedder: world.embedder });
    const allowedHosts = allowedHostsFor('127.0.0.1');
    const app = world.withApp({ page: built.folder, catalogue, search, allowedHosts });
    server = await startServer(app, { host: '127.0.0.1', port: 0 });
    cleanUp.unshift(() => server.close({ graceMs: 0 }));
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
    for (const step of cleanUp) await step();
  });

  const open = async (path = ''): Promise<Page> => {
    const watched = await openPage(browser, `${server.url}/${path}`, { viewport: { width: 360, height: 740 } });
    opened.push(watched);
    return watched.page;
  };
  const nearest = async (page: Page): Promise<string | undefined> => (await labels(page, 'a.card'))[0];

  it('shows every item, the one without a picture too, and nothing is wider than a phone', async () => {
    const page = await open();
    await cards(page).first().waitFor();
    expect(await cards(page).count()).toBe(6);
    expect(await page.getByRole('img', { name: 'vector only (no picture)' }).count()).toBeGreaterThan(0);
    await settled(page);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await sidewaysOverflow(page)).toBe(0);
  });

  it.each(['leaf?#&=+%2F.png', 'ünï/漢字 "q" <b>.png', 'vector only'])('finds the neighbours of "%s"', async (id) => {
    const page = await open();
    const card = cards(page).and(page.locator(`[data-item="${id.replaceAll('"', '\\"')}"]`));
    await card.click();
    await page.getByRole('heading', { level: 1, name: /^Looks like/ }).waitFor();
    await expect.poll(() => cards(page).count()).toBe(5);
    expect(query(page).get('id')).toBe(id);
    await page.reload();
    await expect.poll(() => cards(page).count()).toBe(5);
    expect(await page.locator('.item-id').textContent()).toBe(id);
  });

  it('finds other neighbours for each half of a picture', async () => {
    const page = await open('?id=half.png&box=0,0,0.5,1');
    await cards(page).first().waitFor();
    expect(await nearest(page)).toMatch(/^cherry, fruit, distance 0\.00/);
    const other = await open('?id=half.png&box=0.5,0,0.5,1');
    await cards(other).first().waitFor();
    expect(await nearest(other)).toMatch(/sky, distance 0\.00/);
  });

  it('searches with a picture of one’s own, part and filter included', async () => {
    const page = await open();
    await cards(page).first().waitFor();
    await giveFile(page, 'paste', await picture([200, 10, 30], [20, 20, 220]));
    await cards(page).first().waitFor();
    await page.getByRole('button', { name: 'Search for a part' }).click();
    await page.getByRole('heading', { level: 1, name: 'Looks like a part of your picture' }).waitFor();
    expect(query(page).get('box')).toBe('0.25,0.25,0.5,0.5');
    await page.getByLabel('Category', { exact: true }).selectOption('sky');
    await expect.poll(() => cards(page).count()).toBe(2);
    expect((await labels(page, 'a.card')).every((label) => label.includes('sky'))).toBe(true);
  });

  it('explains what the server refuses', async () => {
    const page = await open();
    await cards(page).first().waitFor();
    await giveFile(page, 'drop', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/svg+xml');
    await page.getByRole('alert').getByRole('heading', { name: 'This is not a picture kindred can read' }).waitFor();
    await page.goto(`${server.url}/?id=half.png&f.colour=red`);
    await page.getByRole('heading', { name: 'This filter does not fit the catalogue' }).waitFor();
    await page.getByRole('button', { name: 'Clear filter' }).last().click();
    await cards(page).first().waitFor();
    await page.goto(`${server.url}/?id=gone`);
    await page.getByRole('heading', { name: 'This item is not in the catalogue' }).waitFor();
  });
});
