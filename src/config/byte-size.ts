import { z } from 'zod';

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const rule = 'must be a size: bytes, or a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 500MB or 2GiB';

function bytesOf(text: string): number {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  return number === undefined ? NaN : Math.floor(Number(number) * (units[unit.toLowerCase()] ?? NaN));
}

/** A number of bytes, given as such or with a unit, from `least` on; `leastText` is how the message names that. */
export const byteSize = (least = 0, leastText = String(least)) =>
  z
    .union([z.string(), z.number()], { error: rule })
    .transform((value) => (typeof value === 'number' ? value : bytesOf(value)))
    .pipe(
      z
        .number({ error: rule })
        .int({ error: rule })
        .min(least, { error: `must be at least ${leastText}` }),
    );
