import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { recordSchema } from '../../src/studies/record.js';
import { summarizeStudy } from '../../src/studies/summary/markdown.js';
import { parseRunLines, readRunLines } from '../../src/studies/summary/read-runs.js';
import { studySummary } from '../../src/studies/summary/study.js';
import { isBeyond } from '../../src/studies/summary/types.js';
import { run, smallStudy } from './runs.js';

const emoji = () => {
  const [cell] = studySummary(smallStudy).cells;
  const arm = (name: string) => {
    const found = cell?.arms.find((one) => one.arm === name);
    if (!found) throw new Error(`no arm ${name}`);
    return found;
  };
  return { none: arm('none'), gate: arm('gate'), shuffled: arm('shuffled') };
};

describe('studySummary', () => {
  it('pairs an arm with the baseline by seed', () => {
    // scipy 1.17.1: ttest_rel([.6, .63, .57], [.5, .52, .48]): mean .1, sd .01, p 0.0033168, interval .0751586 … .1248414
    const { gate, none } = emoji();
    const difference = gate.toBaseline.final['recall@1'];
    expect(difference).toMatchObject({ n: 3, to: 'none' });
    expect(difference?.mean).toBeCloseTo(0.1, 12);
    expect(difference?.interval).toEqual([expect.closeTo(0.0751586, 6), expect.closeTo(0.1248414, 6)]);
    expect(difference?.p).toBeCloseTo(0.0033168, 6);
    expect(gate.spread.selected['recall@1']?.mean).toBeCloseTo(0.61, 12);
    expect(none.toBaseline.final['recall@1']).toBeNull();
  });

  it('corrects p over the arms of all cells, not over controls', () => {
    const { gate, shuffled } = emoji();
    const p = gate.toBaseline.final['recall@1']?.p ?? NaN;
    // Two arms: the smaller p is doubled.
    expect(gate.toBaseline.final['recall@1']?.holmP).toBeCloseTo(2 * p, 12);
    expect(shuffled.toBaseline.final['recall@1']?.holmP).toBeNaN();
  });

  it('credits a gain only beyond the best control of the measure', () => {
    const { gate, none, shuffled } = emoji();
    const { 'recall@1': recall, 'map@r': map } = gate.toBestControl.final;
    expect([recall?.to, map?.to]).toEqual(['mean weight', 'mean weight']);
    // 5, 6 and 6 points above it; in MAP@R 0, −1 and +1.
    expect([isBeyond(recall), isBeyond(map)]).toEqual([true, false]);
    expect([none, shuffled].map(({ toBestControl }) => toBestControl.final['recall@1'])).toEqual([null, null]);
  });

  it('compares only seeds that both arms have, and says over how many', () => {
    const without = smallStudy.filter(
      ({ arm, seed, cell }) => !(cell.endsWith('contrastive') && arm === 'none' && seed === 1),
    );
    const [cell] = studySummary(without).cells;
    expect(cell?.arms.find(({ arm }) => arm === 'gate')?.toBaseline.final['recall@1']).toMatchObject({ n: 2 });
    expect(summarizeStudy(without)).toContain(', 2 pairs |');
  });

  it('keeps tuning runs and runs that ended early out of every mean, and counts them', () => {
    const more = [
      ...smallStudy,
      run({ phase: 'tuning', seed: 0 }),
      run({ seed: 9, failed: 'training-collapsed', metrics: { 'recall@1': 0 } }),
    ];
    expect(studySummary(more)).toMatchObject({ runs: 16, tuningRuns: 1, failures: [{ seed: 9 }] });
    expect(studySummary(more).cells).toEqual(studySummary(smallStudy).cells);
    expect(summarizeStudy(more)).toContain('emoji/contrastive, gate, seed 9: training-collapsed');
  });

  it.each([
    [
      'a run that is there twice',
      [...smallStudy, ...smallStudy.slice(0, 1)],
      /"none" in "emoji\/contrastive", seed 0 is there twice/,
    ],
    [
      'an arm with two roles',
      [...smallStudy, run({ seed: 7, role: 'control' })],
      /"gate".* is a control here and a arm there/,
    ],
    ['two studies', [...smallStudy, run({ study: 'other', seed: 5 })], /several studies: small, other/],
    ['nothing', [], /no runs/],
  ])('refuses %s', (_, runs, message) => {
    expect(() => studySummary(runs)).toThrow(message);
  });
});

describe('summarizeStudy', () => {
  it('is this table for these runs', () => {
    expect(summarizeStudy(smallStudy)).toBe(readFileSync('test/studies/small-study.md', 'utf8'));
  });

  it('does not depend on the order in which runs of a cell were done, but for that of the arms', () => {
    const turned = [...smallStudy].sort((a, b) => a.cell.localeCompare(b.cell) || b.seed - a.seed);
    expect(summarizeStudy(turned)).toBe(summarizeStudy(smallStudy));
  });

  it('shows curves as means over the seeds that were measured at a step', () => {
    const point = (step: number, unseen: number, train: number) => ({
      step,
      'recall@1': unseen,
      'train.recall@1': train,
      'train.spread-to-gap': unseen / 2,
    });
    const curves = [
      run({ seed: 0, curve: [point(10, 0.5, 0.6), point(20, 0.4, 0.9)] }),
      run({ seed: 1, curve: [point(10, 0.7, 0.8)] }),
      run({ seed: 0, arm: 'untold', curve: [{ step: 10, 'recall@1': 0.25 }] }),
      run({ seed: 0, arm: 'no curve' }),
    ];
    const rows = summarizeStudy(curves).split('### Curves')[1]?.split('\n').slice(4);
    expect(rows).toEqual([
      '| cell | arm | step 10 | step 20 |',
      '| --- | --- | ---: | ---: |',
      '| emoji/contrastive | gate | 60.0 / 70.0 / 0.30 | 40.0 / 90.0 / 0.20 |',
      '| emoji/contrastive | untold | 25.0 / – / – | – |',
      '',
    ]);
  });

  it('writes no gap in numbers as NaN', () => {
    expect(summarizeStudy([run({ metrics: { 'recall@1': 0.5 } })])).not.toMatch(/NaN|undefined/);
  });
});

describe('parseRunLines', () => {
  const schema = z.object({ seed: z.number() });
  const parse = (text: string) => parseRunLines(text, 'runs.jsonl', schema);

  it('reads whole lines, with or without the last line break', () => {
    const expected = { runs: [{ seed: 1 }, { seed: 2 }], warning: undefined };
    expect(parse('{"seed":1}\n{"seed":2}\n')).toEqual(expected);
    expect(parse('{"seed":1}\n{"seed":2}')).toEqual(expected);
    expect(parse('')).toEqual({ runs: [], warning: undefined });
  });

  it('leaves out a last line that a killed process tore, wherever it was torn, and names it', () => {
    const line = '{"seed":12345}';
    for (let length = 1; length < line.length; length++) {
      const { runs, warning } = parse(`{"seed":1}\n${line.slice(0, length)}`);
      expect([runs, warning]).toEqual([[{ seed: 1 }], expect.stringMatching(/^runs\.jsonl, line 2 is cut off/)]);
    }
  });

  it.each([
    ['a torn line in the middle', '{"seed":1}\n{"se\n{"seed":2}\n', /runs\.jsonl, line 2: is no whole line of JSON/],
    ['an empty line', '{"seed":1}\n\n{"seed":2}\n', /line 2: is empty/],
    ['a torn line with a line break', '{"seed":1}\n{"se\n', /line 2: is no whole line/],
    ['a line that is no run', '{"seed":1}\n{"seed":"a"}', /line 2: seed: /],
  ])('refuses %s', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('says that a file is missing', async () => {
    await expect(readRunLines('/nowhere/runs.jsonl', schema)).rejects.toThrow('there is no file /nowhere/runs.jsonl');
  });
});

const folder = 'docs/results/studies';
const studies = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.jsonl')) : [];

describe('the committed studies', () => {
  it.each(studies)('%s gives the tables beside it', async (name) => {
    const { runs, warning } = await readRunLines(join(folder, name), recordSchema);
    expect(warning).toBeUndefined();
    expect(readFileSync(join(folder, name.replace(/jsonl$/, 'md')), 'utf8')).toBe(summarizeStudy(runs));
  });

  it('have no table without its runs', () => {
    const tables = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.md')) : [];
    expect(tables.filter((name) => !studies.includes(name.replace(/md$/, 'jsonl')))).toEqual([]);
  });
});
