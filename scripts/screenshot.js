/**
 * Takes the README's picture of the page from a running server:
 *   node scripts/screenshot.js http://127.0.0.1:7700 [--id ITEM] [--box x,y,w,h] [--dark] [--width 1280] [--height 860]
 *     [--out docs/images/screenshot.png]
 * Needs Chromium: /usr/bin/chromium, or the path in KINDRED_CHROMIUM. Without --id it shows the item with the most
 * look-alikes of its own label among the samples of the start page.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    id: { type: 'string' },
    box: { type: 'string' },
    dark: { type: 'boolean', default: false },
    width: { type: 'string', default: '1280' },
    height: { type: 'string', default: '860' },
    out: { type: 'string', default: 'docs/images/screenshot.png' },
  },
});
const chromiumPath = process.env['KINDRED_CHROMIUM'] ?? '/usr/bin/chromium';
const base = positionals[0];

function fail(message) {
  process.stderr.write(`screenshot: ${message}\n`);
  process.exit(1);
}

/** Every sample's neighbours are looked at: the picture should show what the model can do, on an item that has kin. */
async function choose(page) {
  await page.goto(base);
  await page.locator('a.sample').first().waitFor();
  const ids = await page.locator('a.sample').evaluateAll((links) => links.map((link) => link.dataset['item']));
  let best = { id: undefined, same: -1 };
  for (const id of ids) {
    const [item, similar] = await Promise.all(
      ['', '/similar?limit=12'].map(async (tail) => {
        const answer = await fetch(new URL(`v1/items/${encodeURIComponent(id)}${tail}`, base));
        return answer.json();
      }),
    );
    const same = similar.results.filter(({ label }) => label !== null && label === item.label).length;
    if (same > best.same) best = { id, same };
  }
  return best.id;
}

if (!base) fail('give the address of a running server, e.g. http://127.0.0.1:7700');
if (!existsSync(chromiumPath)) fail(`there is no Chromium at ${chromiumPath}; name one in KINDRED_CHROMIUM`);

const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
});
try {
  const page = await browser.newPage({
    viewport: { width: Number(values.width), height: Number(values.height) },
    colorScheme: values.dark ? 'dark' : 'light',
  });
  const id = values.id ?? (await choose(page));
  if (!id) fail('the index is empty');
  const query = new URLSearchParams({ id, ...(values.box && { box: values.box }) });
  await page.goto(new URL(`?${query}`, base).href, { waitUntil: 'networkidle' });
  await page.locator('ul.grid:not([data-loading]) a.card').first().waitFor();
  const picture = await page.screenshot();
  await mkdir(dirname(values.out), { recursive: true });
  await sharp(picture).png({ palette: true, quality: 95, effort: 10 }).toFile(values.out);
  process.stdout.write(`${values.out}: look-alikes of ${id}\n`);
} catch (error) {
  fail(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
} finally {
  await browser.close();
}
