import { describe, expect, test } from 'vitest';
import { keyValues } from '../../src/config/key-values.js';

describe('key=value options', () => {
  test.each([
    ['alpha=2,beta=50', { alpha: 2, beta: 50 }],
    ['miner=semi-hard', { miner: 'semi-hard' }],
    ['positive-weight = 1e-1 , margin=.5', { positiveWeight: 0.1, margin: 0.5 }],
    ['band.lo=0.3, gate.neighbours=5', { 'band.lo': 0.3, 'gate.neighbours': 5 }],
    ['', {}],
  ])('reads %s', (text, expected) => {
    expect(keyValues().parse(text)).toEqual(expected);
  });

  test.each(['alpha', 'alpha=', '=2', 'a=1;b=2 c=3'])('refuses %s and names the pair', (text) => {
    const result = keyValues().safeParse(text);
    expect(result.error?.issues[0]?.message).toContain(`"${text}" is not key=value`);
  });
});
