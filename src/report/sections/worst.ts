import type { Shown } from '../data.js';
import { escape, paragraph, percent } from '../html.js';
import type { Section } from '../section.js';

function picture({ picture: url, class: name, path }: Shown): string {
  const alt = escape(`${name}: ${path}`);
  return url === null
    ? `<span class="gone" role="img" aria-label="${alt}">cannot be read</span>`
    : `<img src="${url}" alt="${alt}" title="${alt}">`;
}

/** Where it fails, to look at. */
export const worst: Section = {
  id: 'worst',
  title: 'The worst queries',
  render({ measured }) {
    if (!measured || measured.worst.length === 0) return null;
    const rows = measured.worst.map(({ query, precision, firstRank, neighbours }) => {
      const found = neighbours.map(
        (one) =>
          `<li class="${one.right ? 'right' : 'wrong'}">${picture(one)}<span>${one.right ? '✓' : '✗'} ${escape(one.class)}</span><small>${one.distance.toFixed(2)}</small></li>`,
      );
      return `<article class="query"><div class="asked">${picture(query)}<b>${escape(query.class)}</b><small>MAP@R ${percent(precision)} %, first right at rank ${firstRank}</small></div><ol>${found.join('')}</ol></article>`;
    });
    return [
      paragraph(
        'The queries that find the least of their class, one of each class first, with their nearest neighbours and the distances (0 … 2). Look for wrong labels and for classes that cannot be told apart by sight before blaming the model.',
      ),
      ...rows,
    ].join('');
  },
};
