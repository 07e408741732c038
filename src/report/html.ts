const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML content or as a quoted attribute. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A number for people: some digits after the point, or a dash where it is none. */
export function digits(value: number | null | undefined, places = 2): string {
  return value !== null && value !== undefined && Number.isFinite(value) ? value.toFixed(places) : '–';
}

/** 0.745 → 74.5 */
export function percent(value: number | null | undefined): string {
  return digits(value === null || value === undefined ? undefined : 100 * value, 1);
}

/** A table whose first column names the rows. Cells are text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], caption?: string): string {
  const cells = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? `<th scope="row">${escape(cell)}</th>` : `<td>${escape(cell)}</td>`)).join('');
  return [
    '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>',
    caption === undefined ? '' : `<caption>${escape(caption)}</caption>`,
    `<thead><tr>${head.map((cell) => `<th scope="col">${escape(cell)}</th>`).join('')}</tr></thead>`,
    `<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table></div>`,
  ].join('');
}

/** Names and values, one beside the other. */
export function facts(entries: readonly (readonly [string, string])[]): string {
  return `<dl>${entries.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join('')}</dl>`;
}

/** What can be opened for more. */
export function details(summary: string, content: string): string {
  return `<details><summary>${escape(summary)}</summary>${content}</details>`;
}

export const paragraph = (text: string): string => `<p>${escape(text)}</p>`;
