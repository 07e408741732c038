import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBarrel, violations } from './architecture/cruise.js';
import { readRooms, rulesOf } from './architecture/rules.js';

const rooms = readRooms(readFileSync('docs/architecture.md', 'utf8'));
const rules = rulesOf(rooms);

describe('the table of rooms', () => {
  it('has a row for every entry of src/', () => {
    const entries = readdirSync('src', { withFileTypes: true }).map((e) => (e.isDirectory() ? `${e.name}/` : e.name));
    const names = rooms.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(entries));
    expect(names.length).toBeGreaterThan(10);
  });

  it('names no room that is not in it', () => {
    expect(() => rulesOf([{ name: 'core/', mayImport: 'cellar' }])).toThrow(/"cellar", which is no room/);
  });
});

describe('src/', () => {
  it('keeps to the table, without cycles', async () => {
    expect(await violations('.', rules)).toEqual([]);
  });

  it('has no barrel files beside index.ts', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) => /\.tsx?$/.test(path));
    expect(files.filter((path) => path !== 'index.ts' && isBarrel(join('src', path)))).toEqual([]);
  });
});

describe('the rules', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kindred-architecture-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };
  const exporting = 'export const x = 1;\nexport type X = typeof x;\n';
  const importing = (path: string): string => `import { x } from '${path}';\nexport const y = x;\n`;
  const importingType = (path: string): string => `import type { X } from '${path}';\nexport type Y = X;\n`;

  it.each([
    ['metrics/a.ts', 'data/b.ts', 'metrics/ may import: core'],
    ['core/a.ts', 'config/b.ts', 'core/ may import: –'],
    ['server/a.ts', 'indexing/embedded/b.ts', 'server/ may import: '],
    ['search/a.ts', 'data/b.ts', 'search/ may import: '],
    ['learn/a.ts', 'compose.ts', 'learn/ may import: '],
    ['compose.ts', 'cli/b.ts', 'compose.ts may import: '],
    ['index.ts', 'web/b.ts', 'index.ts may import: '],
    ['web/a.ts', 'core/b.ts', 'web/ may import: '],
    ['cellar/a.ts', 'core/b.ts', 'every file is in a room'],
  ])('catch that %s imports %s, as a value and as a type', async (from, to, rule) => {
    const path = `${'../'.repeat(from.split('/').length - 1) || './'}${to.replace(/ts$/, 'js')}`;
    for (const text of [importing(path), importingType(path), `export const z = import('${path}');\n`]) {
      write({ [`src/${from}`]: text, [`src/${to}`]: exporting });
      expect(await violations(folder, rules)).toEqual([expect.stringContaining(rule)]);
    }
  });

  it('let the server see the contract of the catalogue', async () => {
    write({ 'src/server/a.ts': importing('../indexing/catalogue.js'), 'src/indexing/catalogue.ts': exporting });
    expect(await violations(folder, rules)).toEqual([]);
  });

  it('let the page see types of the schemas, and nothing but types', async () => {
    write({ 'src/web/a.tsx': importingType('../server/schemas/api.js'), 'src/server/schemas/api.ts': exporting });
    expect(await violations(folder, rules)).toEqual([]);
    write({ 'src/web/a.tsx': importing('../server/schemas/api.js') });
    expect(await violations(folder, rules)).toEqual([expect.stringContaining('nothing but types')]);
  });

  it('catch a cycle, imports from outside and imports that lead nowhere', async () => {
    write({ 'src/core/a.ts': importing('./b.js'), 'src/core/b.ts': `${importing('./a.js')}export const x = 1;\n` });
    expect(await violations(folder, rules)).toEqual(expect.arrayContaining([expect.stringContaining('no cycles')]));
    write({ 'src/core/a.ts': importing('../../test/b.js'), 'src/core/b.ts': exporting, 'test/b.ts': exporting });
    expect(await violations(folder, rules)).toEqual([expect.stringContaining('tests, scripts')]);
    write({ 'src/core/a.ts': importing('./nowhere.js') });
    expect(await violations(folder, rules)).toEqual([expect.stringContaining('every import is found')]);
  });

  it('catch development dependencies, except in the page', async () => {
    const files = {
      'package.json': JSON.stringify({ name: 'it', type: 'module', devDependencies: { tool: '1' } }),
      'node_modules/tool/package.json': JSON.stringify({ name: 'tool', version: '1.0.0', main: 'index.js' }),
      'node_modules/tool/index.js': 'exports.x = 1;\n',
    };
    write({ ...files, 'src/web/a.ts': importing('tool') });
    expect(await violations(folder, rules)).toEqual([]);
    write({ 'src/core/a.ts': importing('tool') });
    expect(await violations(folder, rules)).toEqual([expect.stringContaining('development dependencies')]);
  });

  it('tell a barrel from a file with something in it', () => {
    write({
      'barrel.ts': "export * from './a.js';\nexport { b } from './b.js';\n",
      'real.ts': "export * from './a.js';\nexport const c = 1;\n",
    });
    expect(['barrel.ts', 'real.ts'].map((path) => isBarrel(join(folder, path)))).toEqual([true, false]);
  });
});
