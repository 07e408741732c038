import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Gathered } from '../../src/data/source.js';
import { csvSource } from '../../src/data/sources/csv.js';
import { failure, quiet, temporaryFolder } from './helpers.js';

async function gather(text: string, root?: string): Promise<Gathered> {
  const from = join(await temporaryFolder(), 'shop.csv');
  await writeFile(from, text);
  return csvSource.gather({ from, root, folder: '/unused', ...quiet });
}

describe('csv', () => {
  it('reads paths, labels, ids and metadata', async () => {
    const text = '\ufeffid,path,label,Price\nx1,a/1.jpg,"mug, blue",2.5\n,./b/../b/2.jpg,,\n';
    const { items, name } = await gather(text);
    expect(name).toBe('shop');
    expect(items).toEqual([
      { id: 'x1', path: 'a/1.jpg', label: 'mug, blue', metadata: { Price: 2.5 } },
      { id: 'b/2.jpg', path: 'b/2.jpg', label: null, metadata: {} },
    ]);
  });

  it('makes numbers of a column only when no text is lost', async () => {
    const { items } = await gather(
      'path,label,sku,stock,sale,size,mixed\n1.jpg,a,007,12,true,1e3,1\n2.jpg,a,8,-0.5,false,2,one\n',
    );
    expect(items.map((item) => item.metadata)).toEqual([
      { sku: '007', stock: 12, sale: true, size: '1e3', mixed: '1' },
      { sku: '8', stock: -0.5, sale: false, size: '2', mixed: 'one' },
    ]);
  });

  it('takes --root, and paths that lead into it', async () => {
    const root = await temporaryFolder();
    const { items, root: used } = await gather(`path,label\n${root}/a.jpg,a\nb.jpg,a\n`, root);
    expect(used).toBe(root);
    expect(items.map((item) => item.path)).toEqual(['a.jpg', 'b.jpg']);
  });

  it.each([
    ['path,label\n../secret.jpg,a\n', 'line 2: ../secret.jpg is not inside', '--root'],
    ['path,label\n/etc/passwd,a\n', 'line 2: /etc/passwd is not inside', '--root'],
    ['path,label\na.jpg,a\n,b\n', 'line 3: the path is empty', 'row'],
    ['path,label\na.jpg,a\n./a.jpg,b\n', 'line 3: "a.jpg" is on line 2 already', 'column "id"'],
    ['id,path,label\n1,a.jpg,a\n1,b.jpg,b\n', 'line 3: "1" is on line 2 already', 'unique'],
    ['file,label\na.jpg,a\n', 'there is no column "path"', 'Found: file, label'],
    ['path,label\na.jpg,a,extra\n', 'line 2', 'CSV with commas'],
    ['path,label\n"a.jpg,a\n', 'shop.csv', 'CSV with commas'],
    ['', 'there is no column "path", "label"', 'Found: nothing'],
  ])('refuses %j, naming the line', async (text, message, hint) => {
    const error = await failure(gather(text));
    expect(error.code).toBe('dataset-invalid');
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });

  it('refuses a table without rows and a file that is not there', async () => {
    expect((await failure(gather('path,label\n'))).code).toBe('dataset-empty');
    const from = '/nowhere/shop.csv';
    const request = { from, root: undefined, folder: '/unused', ...quiet };
    expect((await failure(csvSource.gather(request))).code).toBe('file-not-found');
  });
});
