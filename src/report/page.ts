import { version } from '../core/version.js';
import type { ReportData } from './data.js';
import { escape } from './html.js';
import type { Section } from './section.js';
import { calibration } from './sections/calibration.js';
import { curves } from './sections/curves.js';
import { density } from './sections/density.js';
import { map, mapScript } from './sections/map.js';
import { metrics } from './sections/metrics.js';
import { protocol } from './sections/protocol.js';
import { reproduce } from './sections/reproduce.js';
import { summary } from './sections/summary.js';
import { worst } from './sections/worst.js';
import { style } from './style.js';

/** In the order of the page. Another one is a file in sections/ and a place here. */
export const sections: readonly Section[] = [
  summary,
  metrics,
  protocol,
  curves,
  density,
  calibration,
  worst,
  map,
  reproduce,
];

/** Nothing but what is in the page may be loaded, whatever a class name or a path says. */
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The whole page: one HTML file that needs no other and no network. */
export function renderPage(data: ReportData): string {
  const shown = sections.flatMap(({ id, title, render }) => {
    const html = render(data);
    return html === null ? [] : [{ id, title, html }];
  });
  const title = `Report on ${data.model}`;
  const links = shown.map(({ id, title: name }) => `<li><a href="#${id}">${escape(name)}</a></li>`);
  const parts = shown.map(({ id, title: name, html }) => `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${escape(name)}</h2>${html}</section>`); // prettier-ignore
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${style}</style></head>
<body><header><h1>${escape(title)}</h1><p>kindred ${escape(version)}, model ${data.bundle.fingerprint.slice(0, 12)}</p>
<nav aria-label="Sections"><ul>${links.join('')}</ul></nav></header>
<main>${parts.join('\n')}</main>${data.measured?.map ? `<script>${mapScript}</script>` : ''}</body></html>
`;
}
