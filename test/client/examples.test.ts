import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { picture } from '../server/helpers.js';
import { createClientWorld, type ClientWorld } from './world.js';

const examples = [...readFileSync('docs/client.md', 'utf8').matchAll(/```js\n(.*?)```/gs)].map(([, code = '']) => code);

let world: ClientWorld;
beforeAll(async () => {
  world = await createClientWorld();
  await writeFile(join(world.folder, 'photo.jpg'), await picture([20, 200, 30], undefined, 'jpeg'));
});
afterAll(() => world.close());

/** Runs an example by plain Node with the built client, on the test's server. */
async function run(example: string, name: string): Promise<string[]> {
  const client = pathToFileURL(resolve('dist/client/client.js')).href;
  const code = example
    .replaceAll("'kindred/client'", `'${client}'`)
    .replaceAll('http://127.0.0.1:7700', world.server.url);
  await writeFile(join(world.folder, name), code);
  const { stdout } = await promisify(execFile)(process.execPath, [name], { cwd: world.folder });
  return stdout.trim().split('\n');
}

it('the examples of docs/client.md do what they say', async () => {
  expect(examples).toHaveLength(3);
  const [search = '', items = '', failures = ''] = examples;
  expect((await run(search, 'search.mjs'))[0]).toMatch(/^leaf\?#&=\+%2F\.png 0(\.00|$)/);
  expect(await run(items, 'items.mjs')).toEqual([
    'fruit/cherry 1.png fruit',
    'fruit/cherry 2.png fruit',
    '1 one added ',
    '2 two failed invalid-vector',
    '3 one deleted',
  ]);
  expect(await run(failures, 'failures.mjs')).toEqual(['item-not-found 404']);
});

it('the package exports the client by its name', async () => {
  const code = "import { createClient } from 'kindred/client'; console.log(typeof createClient)";
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
  expect(stdout.trim()).toBe('function');
});
