import type { Page } from 'playwright-core';

/** Visible controls without an accessible name, pictures without alt, and ids used twice. Runs in the page, hence text. */
const findFaults = `(() => {
  const visible = (element) => element.checkVisibility() && !element.closest('[aria-hidden="true"]');
  const text = (element) => (element?.textContent ?? '').trim();
  const name = (element) =>
    element.getAttribute('aria-label') ||
    (element.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => text(document.getElementById(id))).join('') ||
    [...(element.labels ?? [])].map(text).join('') ||
    text(element) ||
    [...element.querySelectorAll('img')].map((image) => image.alt).join('');
  const show = (element) => element.outerHTML.slice(0, 120);
  const controls = [...document.querySelectorAll('a, button, input, select, summary, [tabindex="0"], [role="application"]')];
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  return [
    ...controls.filter(visible).filter((element) => !name(element)).map((element) => 'no name: ' + show(element)),
    ...[...document.querySelectorAll('img')].filter((image) => !image.alt).map((image) => 'no alt: ' + show(image)),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => 'id used twice: ' + id),
    ...(document.querySelectorAll('h1').length === 1 ? [] : ['not exactly one h1']),
    ...(document.querySelectorAll('main').length === 1 ? [] : ['not exactly one main']),
    ...(document.documentElement.lang ? [] : ['no language']),
    ...(document.title ? [] : ['no title']),
  ];
})()`;

export async function accessibilityFaults(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(findFaults);
}

/** Pixels by which the page is wider than its window. */
export async function sidewaysOverflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/**
 * Text whose contrast with the background behind it is below WCAG AA (4.5, or 3 for large text). Backgrounds are the
 * nearest opaque ones, which is right for this page: it puts no text on pictures.
 */
const findPaleText = `(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const channel = (value) => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const pale = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest('.visually-hidden, option')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(parse(style.color)), luminance(background(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) pale.push(ratio.toFixed(2) + ' ' + walker.currentNode.textContent.trim().slice(0, 40));
  }
  return pale;
})()`;

export async function paleText(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(findPaleText);
}

/** Which element has the focus, by its accessible name or text. */
export async function focused(page: Page): Promise<string> {
  return page.evaluate<string>(
    `(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent ?? '').trim()`,
  );
}

/** Hands the page a file as if it came from the clipboard or from another window. */
export async function giveFile(page: Page, how: 'paste' | 'drop', bytes: Buffer, type = 'image/png'): Promise<void> {
  await page.evaluate(`(() => {
    const bytes = Uint8Array.from(atob('${bytes.toString('base64')}'), (char) => char.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'given.png', { type: '${type}' }));
    const options = { bubbles: true, cancelable: true };
    document.body.dispatchEvent('${how}' === 'paste'
      ? new ClipboardEvent('paste', { ...options, clipboardData: data })
      : new DragEvent('drop', { ...options, dataTransfer: data }));
  })()`);
}
