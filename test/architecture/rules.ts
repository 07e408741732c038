import type { IForbiddenRuleType } from 'dependency-cruiser';

/** One row of the table of rooms in docs/architecture.md. */
export interface Room {
  /** 'core/' for a folder, 'compose.ts' for a file, as the table has it. */
  readonly name: string;
  /** The right-hand column. */
  readonly mayImport: string;
}

/** Reads the table: the rows between the header `| room | what | may import |` and the next line that is none. */
export function readRooms(markdown: string): Room[] {
  const lines = markdown.split('\n');
  const header = lines.findIndex((line) => /^\|\s*room\s*\|.*\|\s*may import\s*\|$/.test(line));
  const rows: Room[] = [];
  if (header < 0) return rows;
  for (const line of lines.slice(header + 2)) {
    if (!line.startsWith('|')) break;
    const cells = line.split('|').map((cell) => cell.trim());
    rows.push({ name: (cells[1] ?? '').replaceAll('`', ''), mayImport: cells.at(-2) ?? '' });
  }
  return rows;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** The files of a room: a folder's, or the one file. */
function pathOf(room: string): string {
  return room.endsWith('/') ? `^src/${escaped(room)}` : `^src/${escaped(room)}$`;
}

function roomNamed(word: string, rooms: readonly Room[]): string {
  const found = rooms.find(({ name }) => name.replace(/\/$|\.ts$/, '') === word);
  if (!found) throw new Error(`the table of rooms names "${word}", which is no room`);
  return pathOf(found.name);
}

/** What of src/ a room may import, beside itself, and of that what only as types. */
function allowance({ mayImport }: Room, rooms: readonly Room[]): { allowed: string[]; typesOnly: string[] } {
  if (mayImport === 'anything') return { allowed: ['^src/'], typesOnly: [] };
  const except = /^anything but (.+)$/.exec(mayImport)?.[1]?.split(', ');
  if (except) {
    const banned = except.map((word) => roomNamed(word, rooms));
    return { allowed: rooms.map(({ name }) => pathOf(name)).filter((path) => !banned.includes(path)), typesOnly: [] };
  }
  const allowed: string[] = [];
  const typesOnly: string[] = [];
  for (const word of mayImport === '–' ? [] : mayImport.split(', ')) {
    const types = /^types of (.+)$/.exec(word)?.[1];
    if (types) typesOnly.push(`^src/${escaped(types)}/`);
    else if (word === 'indexing’s contract' || word === "indexing's contract")
      allowed.push(String.raw`^src/indexing/(catalogue|item-\w+)\.ts$`);
    else allowed.push(roomNamed(word, rooms));
  }
  return { allowed, typesOnly };
}

/** The rules that the table stands for, and those that hold everywhere. */
export function rulesOf(rooms: readonly Room[]): IForbiddenRuleType[] {
  const ofRooms = rooms.flatMap((room): IForbiddenRuleType[] => {
    const { allowed, typesOnly } = allowance(room, rooms);
    const from = { path: pathOf(room.name) };
    return [
      {
        name: `${room.name} may import: ${room.mayImport}`,
        severity: 'error',
        from,
        to: { path: '^src/', pathNot: [pathOf(room.name), ...allowed, ...typesOnly] },
      },
      ...typesOnly.map((path): IForbiddenRuleType => ({
        name: `${room.name} may import nothing but types from ${path}`,
        severity: 'error',
        from,
        to: { path, dependencyTypesNot: ['type-only'] },
      })),
    ];
  });
  return [
    ...ofRooms,
    { name: 'no cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'every file is in a room',
      severity: 'error',
      from: { path: '^src/', pathNot: rooms.map(({ name }) => pathOf(name)) },
      to: {},
    },
    {
      name: 'the product does not import tests, scripts or what was built',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|dist)/' },
    },
    {
      name: 'the product runs without development dependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/web/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'every import is found', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
  ];
}
