import type { AuditNeighbour, CatalogueAudit, DuplicateGroup } from './catalogue.js';

const label = (text: string | null): string => text ?? '–';

/** How sure two pictures are one, in words. */
export function evidenceOf({ kind, bits, distance }: DuplicateGroup): string {
  if (kind === 'exact') return 'the same bytes';
  const hash = bits === null ? '' : `hashes differ in ${bits} of 64 bits, `;
  return `${hash}distance ${distance.toFixed(4)}`;
}

/** 3 × Lemon (0.012 …), 1 × Lime (0.080 …) */
export function votesOf(neighbours: readonly AuditNeighbour[]): string {
  const votes = new Map<string, number[]>();
  for (const { item, distance } of neighbours) {
    const name = label(item.label);
    votes.set(name, [...(votes.get(name) ?? []), distance]);
  }
  return [...votes].map(([name, [first = 0, ...more]]) => `${more.length + 1} × ${name} (from ${first.toFixed(3)})`).join(', '); // prettier-ignore
}

function listed<T>(title: string, entries: readonly T[], limit: number, line: (entry: T) => string): string[] {
  if (entries.length === 0) return [`${title}: none`];
  const more = entries.length > limit ? [`  … and ${entries.length - limit} more (--limit, --json or --html)`] : [];
  return [`${title}: ${entries.length}`, ...entries.slice(0, limit).map((entry) => `  ${line(entry)}`), ...more];
}

/** The audit for people; `limit` findings of each kind. */
export function formatCatalogueAudit(audit: CatalogueAudit, limit: number): string {
  const { items, pictures, unreadable, complete, duplicates, density, outliers, mislabelled } = audit;
  const notes = [
    ...(unreadable > 0 ? [`${unreadable} pictures are gone or cannot be read: those were compared by embedding`] : []),
    ...(complete ? [] : ['the pictures are so alike that not all near duplicates were looked for']),
  ];
  const group = (one: DuplicateGroup): string =>
    `${one.items.map(({ id }) => id).join(' = ')} (${evidenceOf(one)}${one.labels.length > 1 ? `; labels ${one.labels.join(', ')}` : ''})`;
  const kind = (wanted: string) => duplicates.filter((one) => one.kind === wanted);
  return [
    `${items} items, ${pictures} pictures`,
    ...notes.map((note) => `  ${note}`),
    '',
    ...listed('Exact duplicates', kind('exact'), limit, group),
    '',
    ...listed('Near duplicates', kind('near'), limit, group),
    '',
    ...listed('Likely mislabelled', mislabelled, limit, ({ item, suggested, confidence, neighbours }) =>
      `${item.id}: ${label(item.label)}, rather ${suggested} (confidence ${confidence.toFixed(2)}; nearest ${votesOf(neighbours)})`), // prettier-ignore
    '',
    ...listed(
      'Outliers',
      outliers,
      limit,
      (one) => `${one.item.id}: local density ${one.density.toFixed(2)}, usual ${(density.median ?? 0).toFixed(2)}; nearest ${one.nearest[0]?.item.id ?? '–'}`, // prettier-ignore
    ),
  ].join('\n');
}
