import { describe, expect, it } from 'vitest';
import { hasChromium } from './chromium.js';
import { accessibilityFaults, focused, paleText, sidewaysOverflow } from './page-checks.js';
import { cards, settled, usePageTest } from './page-test.js';

const item = '?id=noto/red-apple.png';

describe.skipIf(!hasChromium)('the states of the page', () => {
  const test = usePageTest();

  it('says that the server is busy, and tries again', async () => {
    const page = await test.open();
    await cards(page).first().waitFor();
    test.server.fail(/similar/, 503);
    await cards(page).first().click();
    const alert = page.getByRole('alert');
    await alert.getByRole('heading', { name: 'The server is busy' }).waitFor();
    expect(await alert.textContent()).toContain('Try again in a few seconds.');
    test.server.heal();
    await alert.getByRole('button', { name: 'Try again' }).click();
    await cards(page).first().waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('says that the catalogue cannot be loaded, and tries again', async () => {
    test.server.fail(/v1\/items$/, 503);
    const page = await test.open();
    await page.getByRole('heading', { name: 'The server is busy' }).waitFor();
    test.server.heal();
    await page.getByRole('button', { name: 'Try again' }).click();
    await cards(page).first().waitFor();
  });

  it('does without the facts about the index, and asks again at the next step', async () => {
    test.server.fail(/v1\/stats$/, 503);
    const page = await test.open();
    await settled(page);
    expect(await cards(page).count()).toBe(24);
    expect(await page.locator('a.sample').count()).toBe(6);
    expect(await page.locator('.filter-bar').count()).toBe(0);
    test.server.heal();
    await cards(page).first().click();
    await page.getByLabel('Category', { exact: true }).waitFor();
  });

  it('shows the results when only the item itself cannot be loaded', async () => {
    test.server.fail(/red-apple.png$/, 503);
    const page = await test.open(item);
    await cards(page).first().waitFor();
    await page.getByText('The picture could not be loaded').waitFor();
  });

  it('says so when the server cannot be reached', async () => {
    const page = await test.open();
    await cards(page).first().waitFor();
    await page.route('**/similar*', (route) => route.abort());
    await cards(page).first().click();
    await page.getByRole('heading', { name: 'The server cannot be reached' }).waitFor();
  });

  it('keeps what is there when more cannot be loaded', async () => {
    const page = await test.open();
    await cards(page).first().waitFor();
    test.server.fail(/v1\/items$/, 503);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByRole('alert').getByText('The server is busy').waitFor();
    expect(await cards(page).count()).toBe(24);
    test.server.heal();
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => cards(page).count()).toBe(72);
  });

  it('refuses a file that is no picture, and offers another try', async () => {
    const page = await test.open();
    const file = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') };
    await page.locator('input[type=file]').setInputFiles(file);
    const alert = page.getByRole('alert');
    await alert.getByRole('heading', { name: 'This is not a picture kindred can read' }).waitFor();
    expect(await alert.getByRole('button', { name: 'Choose another picture' }).isVisible()).toBe(true);
    expect(await alert.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    expect(await page.getByText('This browser cannot show the picture').isVisible()).toBe(true);
  });

  it('says that an item is not there, and leads to the catalogue', async () => {
    const page = await test.open('?id=gone.png');
    await page.getByRole('heading', { level: 1, name: 'This item is not in the catalogue' }).waitFor();
    await page.getByRole('link', { name: 'Browse the catalogue' }).click();
    await cards(page).first().waitFor();
  });

  it('says that nothing matches, and clears the filter', async () => {
    const page = await test.open(`${item}&f.label=zebra`);
    await page.getByRole('heading', { name: 'Nothing matches this filter' }).waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Clear filter' }).last().click();
    await cards(page).first().waitFor();
  });

  it('explains how to fill an empty index', async () => {
    test.server.hold([]);
    const page = await test.open();
    await page.getByRole('heading', { level: 1, name: 'This catalogue is still empty' }).waitFor();
    expect(await page.locator('code').textContent()).toContain('kindred index');
  });

  it('stands in for what is loading, without a jump of the grid', async () => {
    const page = await test.open();
    await cards(page).first().waitFor();
    test.server.delay(700);
    await cards(page).first().click();
    await page.locator('ul.grid[data-loading]').waitFor();
    expect(await page.locator('.results').getAttribute('aria-busy')).toBe('true');
    const before = await page.locator('ul.grid').boundingBox();
    await cards(page).first().waitFor();
    const after = await page.locator('ul.grid').boundingBox();
    expect(after?.y).toBe(before?.y);
    expect(after?.x).toBe(before?.x);
  });

  it.each(['', item, `${item}&box=0.2,0.2,0.5,0.5`, `${item}&f.label=zebra`, '?id=gone.png', '?upload=gone'])(
    'is accessible and fits 360 pixels, light and dark, at "%s"',
    async (path) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await test.open(path, { colorScheme, viewport: { width: 360, height: 740 } });
        await settled(page);
        expect(await accessibilityFaults(page)).toEqual([]);
        expect(await paleText(page)).toEqual([]);
        expect(await sidewaysOverflow(page)).toBe(0);
      }
    },
  );

  it('has a dark dress', async () => {
    const ground = async (colorScheme: 'light' | 'dark'): Promise<number> => {
      const page = await test.open('', { colorScheme });
      const color = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      return Number(/\d+/.exec(color)?.[0]);
    };
    expect(await ground('light')).toBeGreaterThan(200);
    expect(await ground('dark')).toBeLessThan(50);
  });

  it('does not move for those who prefer that', async () => {
    test.server.delay(500);
    const page = await test.open('', { reducedMotion: 'reduce' });
    await page.locator('.skeleton').first().waitFor();
    const animation = `getComputedStyle(document.querySelector('.skeleton')).animationName`;
    expect(await page.evaluate<string>(animation)).toBe('none');
  });

  it('lets the keyboard skip the header, and shows where the focus is', async () => {
    const page = await test.open(item);
    await cards(page).first().waitFor();
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('All items');
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
  });
});
