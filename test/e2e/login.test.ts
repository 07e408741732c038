import { writeFile } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAccess } from '../../src/server/access/access.js';
import { createKeyText } from '../../src/server/access/keys.js';
import { allowedHostsFor } from '../../src/server/middleware/security.js';
import { startServer, type RunningServer } from '../../src/server/start.js';
import { testKeys, type TestKeys } from '../server/access/keys-of.js';
import { createWorld } from '../server/helpers.js';
import { buildPage } from './built-page.js';
import { hasChromium, openPage, startChromium, type WatchedPage } from './chromium.js';
import { accessibilityFaults, focused, paleText, sidewaysOverflow } from './page-checks.js';
import { cards } from './page-test.js';

/** The page before kindred's own server with keys; its content security policy is the real one. */
describe.skipIf(!hasChromium)('logging in to the page', () => {
  let server: RunningServer;
  let browser: Browser;
  let keys: TestKeys;
  const opened: WatchedPage[] = [];
  const cleanUp: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    const built = await buildPage();
    cleanUp.unshift(() => built.remove());
    const world = await createWorld();
    cleanUp.unshift(() => world.close());
    keys = testKeys();
    const access = createAccess({ keys: keys.ring });
    const app = world.withApp({ page: built.folder, access, allowedHosts: allowedHostsFor('127.0.0.1') });
    server = await startServer(app, { host: '127.0.0.1', port: 0 });
    cleanUp.unshift(() => server.close({ graceMs: 0 }));
    browser = await startChromium();
    cleanUp.unshift(() => browser.close());
  });
  afterEach(async () => {
    const pages = opened.splice(0);
    await Promise.all(pages.map((page) => page.close()));
    // A breach of the policy is an error on the console.
    expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
    expect(pages.flatMap(({ strays }) => strays)).toEqual([]);
  });
  afterAll(async () => {
    for (const step of cleanUp) await step();
  });

  const open = async (path = '', options: BrowserContextOptions = {}): Promise<Page> => {
    const watched = await openPage(browser, `${server.url}/${path}`, options);
    opened.push(watched);
    await watched.page.getByRole('heading', { name: 'This catalogue asks for a key' }).waitFor();
    return watched.page;
  };
  const logIn = async (page: Page, key: string): Promise<void> => {
    await page.getByLabel('Key').fill(key);
    await page.keyboard.press('Enter');
  };

  it('shows what was asked for once a key is given, pictures included, and asks again after logging out', async () => {
    const page = await open('?id=half.png');
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('key');
    await logIn(page, createKeyText());
    await page.getByRole('alert').getByText('This key is not known here').waitFor();
    await logIn(page, keys.text.read);
    await cards(page).first().waitFor();
    await page.getByRole('heading', { level: 1, name: /^Looks like/ }).waitFor();
    await expect
      .poll(() => page.evaluate<number>(`document.querySelector('a.card img')?.naturalWidth ?? 0`))
      .toBeGreaterThan(0);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: 'kindred_session', httpOnly: true, sameSite: 'Strict' });
    expect(await page.evaluate<string>('document.cookie + JSON.stringify({ ...localStorage })')).toBe('{}');
    await page.reload();
    await cards(page).first().waitFor();
    await page.getByRole('button', { name: 'Log out the-read-key' }).click();
    await page.getByRole('heading', { name: 'This catalogue asks for a key' }).waitFor();
    expect(await focused(page)).toBe('');
    await page.reload();
    await page.getByLabel('Key').waitFor();
  });

  it('asks again when the key is revoked', async () => {
    const page = await open();
    await logIn(page, keys.text.write);
    await cards(page).first().waitFor();
    keys.revoke('write');
    await cards(page).first().click();
    await page.getByRole('heading', { name: 'This catalogue asks for a key' }).waitFor();
  });

  it.each(['light', 'dark'] as const)('is accessible and fits 360 pixels, %s', async (colorScheme) => {
    const page = await open('', { colorScheme, viewport: { width: 360, height: 740 } });
    await logIn(page, createKeyText());
    await page.getByRole('alert').getByText('This key is not known here').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await paleText(page)).toEqual([]);
    expect(await sidewaysOverflow(page)).toBe(0);
    const folder = process.env['KINDRED_SCREENSHOTS'];
    if (folder !== undefined) await writeFile(`${folder}/login-${colorScheme}.png`, await page.screenshot());
  });
});
