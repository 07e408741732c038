import type { Curve } from '../../model/calibration.js';

interface Block {
  /** Σ of x and of the outcomes, and how many there are. */
  x: number;
  y: number;
  count: number;
}

const meanOf = ({ y, count }: Block): number => y / count;

/**
 * Isotonic regression by pooling adjacent violators (Ayer et al. 1955; Zadrozny & Elkan 2002 for calibration): the
 * non-decreasing function of x nearest to the outcomes in squares. Equal x are pooled first, so that the result does not
 * depend on the order of the rows. Each block becomes one point at its mean x, hence the curve between blocks is straight
 * instead of a step.
 * @param x finite scores, in any order
 * @param outcomes 0 or 1, as many
 */
export function fitIsotonic(x: ArrayLike<number>, outcomes: ArrayLike<number>): Curve {
  const order = Uint32Array.from({ length: x.length }, (_, index) => index).sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  const blocks: Block[] = [];
  let lastX = NaN;
  for (const row of order) {
    const at = x[row] ?? 0;
    const top = blocks.at(-1);
    if (top && at === lastX) {
      top.x += at;
      top.y += outcomes[row] ?? 0;
      top.count++;
    } else {
      pool(blocks);
      blocks.push({ x: at, y: outcomes[row] ?? 0, count: 1 });
    }
    lastX = at;
  }
  pool(blocks);
  return { x: blocks.map((block) => block.x / block.count), y: blocks.map(meanOf) };
}

/** Joins the last block with those before it until the means ascend. */
function pool(blocks: Block[]): void {
  for (;;) {
    const last = blocks.at(-1);
    const before = blocks.at(-2);
    if (!last || !before || meanOf(before) < meanOf(last)) return;
    blocks.pop();
    before.x += last.x;
    before.y += last.y;
    before.count += last.count;
  }
}
