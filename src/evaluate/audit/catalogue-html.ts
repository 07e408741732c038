import type { CatalogueItem } from '../../indexing/catalogue.js';
import { version } from '../../core/version.js';
import type { CatalogueAudit } from './catalogue.js';
import { evidenceOf, votesOf } from './catalogue-table.js';

/** A picture as a data URL, or null when there is none. */
export type Thumbnail = (item: CatalogueItem) => Promise<string | null>;

export interface HtmlOptions {
  /** What was audited, as the reader knows it. */
  readonly title: string;
  /** Findings of each kind. */
  readonly limit: number;
  readonly thumbnail: Thumbnail;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char] ?? char);

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #60646c; --paper: #fcfcfd; --card: #fff; --line: #dfe1e6; --mark: #b4540a; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --quiet: #a5a9b1; --paper: #16181b; --card: #1e2125; --line: #363a40; --mark: #ffa657; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
p { margin: .35rem 0; } .quiet { color: var(--quiet); }
section > ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; }
section > ol > li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: .5rem; }
figure { margin: 0; width: 112px; } figure.own img, figure.own .none { outline: 3px solid var(--mark); outline-offset: 1px; }
img, .none { display: block; width: 112px; height: 112px; object-fit: cover; border-radius: 6px; background: var(--line); }
.none { display: grid; place-items: center; color: var(--quiet); font-size: .8rem; }
figcaption { font-size: .78rem; line-height: 1.35; margin-top: .3rem; overflow-wrap: anywhere; } figcaption b { display: block; }
figcaption .quiet { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.mark { color: var(--mark); font-weight: 600; }`;

/** One self-contained page: findings with their pictures and evidence. */
export async function auditHtml(audit: CatalogueAudit, { title, limit, thumbnail }: HtmlOptions): Promise<string> {
  const figure = async (item: CatalogueItem, note = '', own = false): Promise<string> => {
    const url = await thumbnail(item);
    const name = escapeHtml(item.id);
    const picture = url === null ? '<div class="none">no picture</div>' : `<img src="${url}" alt="">`;
    const caption = `<b>${escapeHtml(item.label ?? 'no label')}</b>${note === '' ? '' : `${escapeHtml(note)}<br>`}<span class="quiet" title="${name}">${name}</span>`;
    return `<figure${own ? ' class="own"' : ''}>${picture}<figcaption>${caption}</figcaption></figure>`;
  };
  const entry = async (text: string, figures: readonly Promise<string>[]): Promise<string> =>
    `<li><p>${text}</p><div class="row">${(await Promise.all(figures)).join('')}</div></li>`;
  const section = async <T>(name: string, about: string, all: readonly T[], show: (one: T) => Promise<string>) => {
    const entries: string[] = [];
    for (const one of all.slice(0, limit)) entries.push(await show(one));
    const more = all.length > limit ? `<p class="quiet">and ${all.length - limit} more</p>` : '';
    return `<section><h2>${name}: ${all.length}</h2><p class="quiet">${about}</p><ol>${entries.join('')}</ol>${more}</section>`;
  };
  const at = (distance: number): string => `distance ${distance.toFixed(3)}`;
  const { duplicates, mislabelled, outliers, density } = audit;
  const sections = [
    await section('Duplicates', 'Items that show the same picture: the same bytes, or the same to the eye and to the model.', duplicates, (group) =>
      entry(`${escapeHtml(evidenceOf(group))}${group.labels.length > 1 ? ` <span class="mark">labels differ: ${escapeHtml(group.labels.join(', '))}</span>` : ''}`, group.items.slice(0, 12).map((item) => figure(item)))), // prettier-ignore
    await section('Likely mislabelled', 'Items whose nearest neighbours agree on another label.', mislabelled, ({ item, suggested, confidence, neighbours }) =>
      entry(`${escapeHtml(item.label ?? '')} → <span class="mark">${escapeHtml(suggested)}</span> <span class="quiet">confidence ${confidence.toFixed(2)}; ${escapeHtml(votesOf(neighbours))}</span>`, [figure(item, '', true), ...neighbours.map((one) => figure(one.item, at(one.distance)))])), // prettier-ignore
    await section('Outliers', `Items far from all others: a local density below ${density.fence?.toFixed(2) ?? '–'}, where ${density.median?.toFixed(2) ?? '–'} is usual.`, outliers, (one) =>
      entry(`local density ${one.density.toFixed(2)}`, [figure(one.item, '', true), ...one.nearest.map((near) => figure(near.item, at(near.distance)))])), // prettier-ignore
  ];
  const notes = [
    `${audit.items} items, ${audit.pictures} pictures read, ${audit.unreadable} gone or unreadable; change ${audit.changeNumber}; kindred ${version}.`,
    'Distances are squared Euclidean between unit vectors: 0 is the same, 4 the opposite.',
    ...(audit.complete ? [] : ['The pictures are so alike that not all near duplicates were looked for.']),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of ${escapeHtml(title)}</title><style>${style}</style></head>
<body><h1>Audit of ${escapeHtml(title)}</h1>${notes.map((note) => `<p class="quiet">${note}</p>`).join('')}
${sections.join('\n')}</body></html>
`;
}
