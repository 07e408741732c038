import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startServer, type RunningServer } from '../../src/server/start.js';
import { createWorld, type World } from '../server/helpers.js';
import { buildPage } from './built-page.js';
import { hasChromium, openPage, startChromium } from './chromium.js';

const documentSchema = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

describe.skipIf(!hasChromium)('/docs', () => {
  let world: World;
  let built: Awaited<ReturnType<typeof buildPage>>;
  let server: RunningServer;
  let browser: Browser;
  beforeAll(async () => {
    [world, built, browser] = await Promise.all([createWorld(), buildPage(), startChromium()]);
    server = await startServer(world.withApp({ page: built.folder }), { host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await browser.close();
    await server.close({ graceMs: 0 });
    await Promise.all([world.close(), built.remove()]);
  });

  it('shows every operation and calls one, under the strict policy, from its own files alone', async () => {
    const watched = await openPage(browser, `${server.url}/docs`);
    const { page, complaints, strays } = watched;
    await page.locator('.opblock').first().waitFor();
    expect(page.url()).toBe(`${server.url}/docs/`);
    const { paths } = documentSchema.parse(await (await fetch(`${server.url}/openapi.json`)).json());
    const operations = Object.values(paths).flatMap((methods) => Object.keys(methods));
    expect(await page.locator('.opblock').count()).toBe(operations.length);
    await page.locator('[id$=getModel]').first().click();
    await page.getByRole('button', { name: 'Try it out' }).click();
    await page.getByRole('button', { name: 'Execute' }).click();
    await page.getByText('mean colour').first().waitFor();
    const screenshot = process.env['KINDRED_TEST_SCREENSHOT'];
    if (screenshot !== undefined) await page.screenshot({ path: screenshot, fullPage: true });
    expect({ complaints, strays }).toEqual({ complaints: [], strays: [] });
    await watched.close();
  });

  it('has a policy without exceptions', async () => {
    const answer = await fetch(`${server.url}/docs/`);
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(await answer.text()).not.toMatch(/<script(?![^>]* src=)/);
  });
});
