import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** Debian's `chromium`; another can be named. */
export const chromiumPath = process.env['KINDRED_CHROMIUM'] ?? '/usr/bin/chromium';
export const hasChromium = existsSync(chromiumPath);

const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: quiet });
}

/** A page that writes down what must not happen. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors on the console and uncaught ones, except for failed requests, which each test judges by what is shown. */
  readonly complaints: string[];
  /** Requests that left the page's origin. */
  readonly strays: string[];
  close(): Promise<void>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const strays: string[] = [];
  page.on('console', (message) => {
    const failedRequest = message.text().startsWith('Failed to load resource');
    if ((message.type() === 'error' || message.type() === 'warning') && !failedRequest) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const target = new URL(request.url());
    if (target.protocol.startsWith('http') && target.origin !== new URL(url).origin) strays.push(request.url());
  });
  await page.goto(url);
  return { page, complaints, strays, close: () => context.close() };
}
