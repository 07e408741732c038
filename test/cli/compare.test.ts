import { describe, expect, it } from 'vitest';
import { bothModels, command, compareOptions } from '../../src/cli/commands/compare.js';
import { parseOptions } from '../../src/config/parse.js';
import { collect } from './collect.js';

const parse = (flags: Record<string, unknown>) => parseOptions('compare', compareOptions, flags, {});

describe('kindred compare', () => {
  it('needs a data set, and a split that has metrics', () => {
    expect(() => parse({})).toThrow('--data is missing');
    expect(() => parse({ data: 'd', split: 'none' })).toThrow(/must be test, validation or train/);
  });

  it('refuses two untrained sides, and a folder that is no bundle', async () => {
    const flags = parse({ data: 'd' });
    await expect(bothModels('untrained', 'untrained', flags)).rejects.toThrow(
      'at least one side must be a model bundle',
    );
    await expect(bothModels('nowhere', 'untrained', flags)).rejects.toThrow('there is no model bundle nowhere');
    await expect(bothModels('untrained', 'test', flags)).rejects.toThrow(/test is no model bundle/);
  });

  it('explains itself with examples', () => {
    const help = command.build(collect().context).helpInformation();
    expect(help).toContain('--by <field>');
    expect(help).toContain('"untrained"');
  });
});
