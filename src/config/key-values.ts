import { z } from 'zod';

/** positive-weight → positiveWeight */
export const camelCase = (key: string): string => key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** alpha=2,miner=hard as { alpha: 2, miner: 'hard' }: what looks like a number is one. Which keys apply is for others to say. */
export const keyValues = () =>
  z.string().transform((text, context): Readonly<Record<string, number | string>> => {
    const pairs = text
      .split(',')
      .map((pair) => pair.trim())
      .filter((pair) => pair !== '');
    const found: Record<string, number | string> = {};
    for (const pair of pairs) {
      const [, key, value] = /^([A-Za-z][\w.-]*)\s*=\s*(\S+)$/.exec(pair) ?? [];
      if (key === undefined || value === undefined) {
        context.addIssue({ code: 'custom', message: `"${pair}" is not key=value (several are separated by commas)` });
        return z.NEVER;
      }
      // --loss-options positive-weight=0.1 as well as positiveWeight=0.1
      found[camelCase(key)] = Number.isFinite(Number(value)) ? Number(value) : value;
    }
    return found;
  });
