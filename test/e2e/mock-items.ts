import { createRequire } from 'node:module';
import type { ApiItem, ApiStats } from '../../src/server/schemas/api.js';

const drawings: Readonly<Record<string, readonly string[]>> = {
  'food & drink': [
    ...['red-apple', 'green-apple', 'pear', 'tangerine', 'lemon', 'peach', 'cherries', 'strawberry', 'grapes'],
    ...['watermelon', 'banana', 'avocado'],
  ],
  'animals & nature': ['cat-face', 'dog-face', 'fox', 'tiger-face', 'rabbit-face', 'panda', 'bear', 'lion'],
  'travel & places': ['bus', 'taxi', 'automobile', 'fire-engine', 'bicycle', 'rocket'],
  objects: ['guitar', 'violin', 'trumpet', 'drum'],
};
const houses = ['fluent-emoji-flat', 'noto', 'openmoji', 'twemoji'];

function categoryOfDrawing(drawing: string): string {
  return Object.entries(drawings).find(([, names]) => names.includes(drawing))?.[0] ?? 'objects';
}

/** A small catalogue: the same things drawn by several houses. */
export const mockItems: readonly ApiItem[] = houses
  .flatMap((house) => Object.values(drawings).flatMap((names) => names.map((drawing) => ({ house, drawing }))))
  .map(({ house, drawing }) => {
    const id = `${house}/${drawing}.png`;
    return {
      id,
      label: drawing.replaceAll('-', ' '),
      metadata: { category: categoryOfDrawing(drawing), house },
      image: `v1/items/${encodeURIComponent(id)}/image`,
      width: 256,
      height: 256,
    };
  })
  .sort((a, b) => (a.id < b.id ? -1 : 1));

export function valueOf(item: ApiItem, field: string): string {
  return field === 'label' ? (item.label ?? '') : field === 'id' ? item.id : String(item.metadata[field] ?? '');
}

export function matches(item: ApiItem, filter: ReadonlyMap<string, readonly string[]>): boolean {
  return [...filter].every(([field, values]) => values.includes(valueOf(item, field)));
}

export function mockStats(items: readonly ApiItem[]): ApiStats {
  const fields = ['category', 'house', 'label'].map((field) => {
    const counts = new Map<string, number>();
    for (const item of items) counts.set(valueOf(item, field), (counts.get(valueOf(item, field)) ?? 0) + 1);
    const values = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
    return { field, distinct: values.length, values };
  });
  const labels = fields.find(({ field }) => field === 'label')?.distinct ?? 0;
  return {
    items: items.length,
    labels,
    dimension: 128,
    fingerprint: 'f'.repeat(64),
    changeNumber: items.length,
    truth: null,
    graph: { state: 'ready', items: items.length },
    fields: items.length === 0 ? [] : fields,
  };
}

/** A made-up distance that still makes sense: the same thing is near, the same category nearer than the rest. */
export function mockDistance(a: ApiItem, b: ApiItem, salt = ''): number {
  let hash = 7;
  for (const char of [a.id, b.id].sort().join(salt)) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  const noise = (hash % 1000) / 1000;
  if (a.label === b.label) return 0.08 + 0.3 * noise;
  return a.metadata['category'] === b.metadata['category'] ? 0.45 + 0.6 * noise : 0.9 + noise;
}

/** What a calibrated server would make of a distance: 1 falls to 0, half of it at 0.6. */
export function mockScore(distance: number): number {
  return 1 / (1 + Math.exp(8 * (distance - 0.6)));
}

interface IconSet {
  readonly icons: Readonly<Record<string, { readonly body: string }>>;
  readonly width: number;
  readonly height: number;
}

const load = createRequire(import.meta.url);
const sets = new Map<string, IconSet>();

function isIconSet(value: unknown): value is IconSet {
  return typeof value === 'object' && value !== null && 'icons' in value && 'width' in value;
}

/** The drawing of an item as SVG text, on white. */
export function drawingOf(item: ApiItem): string {
  const [house = '', file = ''] = item.id.split('/');
  let set = sets.get(house);
  if (!set) {
    const json: unknown = load(`@iconify-json/${house}/icons.json`);
    if (!isIconSet(json)) throw new Error(`${house} is not an icon set`);
    sets.set(house, json);
    set = json;
  }
  const { body } = set.icons[file.replace('.png', '')] ?? { body: '' };
  const box = `0 0 ${set.width} ${set.height}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="${box}"><rect width="100%" height="100%" fill="#fff"/>${body}</svg>`;
}
