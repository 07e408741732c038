import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boxBetween,
  contains,
  corners,
  describeBox,
  fitBox,
  formatBox,
  minSide,
  moveBox,
  oppositeCorner,
  parseBox,
  resizeBox,
  type Box,
} from '../../src/web/state/box.js';

const number = fc.double({ min: -2, max: 2, noNaN: true });
const anyBox = fc.record({ x: number, y: number, w: number, h: number });
const goodBox = anyBox.map(fitBox);

function expectInside(box: Box): void {
  expect(Math.min(box.x, box.y)).toBeGreaterThanOrEqual(0);
  expect(Math.min(box.w, box.h)).toBeGreaterThanOrEqual(minSide);
  expect(Math.max(box.x + box.w, box.y + box.h)).toBeLessThanOrEqual(1 + 1e-9);
}

describe('the box on a picture', () => {
  it('stays inside the picture, whatever is done to it', () => {
    fc.assert(
      fc.property(anyBox, number, number, (box, a, b) => {
        expectInside(fitBox(box));
        expectInside(moveBox(fitBox(box), a, b));
        expectInside(resizeBox(fitBox(box), a, b));
      }),
    );
  });

  it('keeps its size when moved, and its corner when resized', () => {
    fc.assert(
      fc.property(goodBox, number, number, (box, a, b) => {
        const moved = moveBox(box, a, b);
        expect([moved.w, moved.h]).toEqual([box.w, box.h]);
        const resized = resizeBox(box, a, b);
        expect([resized.x, resized.y]).toEqual([box.x, box.y]);
      }),
    );
  });

  it('survives being written and read', () => {
    fc.assert(
      fc.property(goodBox, (box) => {
        expect(parseBox(formatBox(box))).toEqual(box);
      }),
    );
    expect(formatBox(null)).toBe('');
  });

  it.each([
    null,
    '',
    '1',
    '0,0,1',
    '0,0,1,1,1',
    '0,0,,1',
    'a,b,c,d',
    '0,0,0,1',
    '0.5,0,0.6,1',
    '-1,0,1,1',
    '0,0,1..2,1',
  ])('does not take %j for a box', (text) => {
    expect(parseBox(text)).toBeNull();
  });

  it('lies between two points in any order, cut off at the edges', () => {
    const expected = { x: 0.2, y: 0, w: 0.3, h: 0.4 };
    expect(boxBetween({ x: 0.2, y: -0.3 }, { x: 0.5, y: 0.4 })).toEqual(expected);
    expect(boxBetween({ x: 0.5, y: -0.3 }, { x: 0.2, y: 0.4 })).toEqual(expected);
  });

  it('is none when the points are too close to be meant', () => {
    expect(boxBetween({ x: 0.5, y: 0.5 }, { x: 0.51, y: 0.9 })).toBeNull();
  });

  it('spans back to itself from each corner’s opposite', () => {
    const box = { x: 0.1, y: 0.2, w: 0.3, h: 0.4 };
    for (const corner of corners) {
      const fixed = oppositeCorner(box, corner);
      const dragged = { x: 2 * box.x + box.w - fixed.x, y: 2 * box.y + box.h - fixed.y };
      expect(boxBetween(fixed, dragged)).toEqual(box);
    }
    expect(oppositeCorner(box, 'nw').x).toBeCloseTo(0.4);
    expect(oppositeCorner(box, 'ne').x).toBeCloseTo(0.1);
  });

  it('knows what it contains and how to say where it is', () => {
    const box = { x: 0.25, y: 0.5, w: 0.5, h: 0.25 };
    expect(contains(box, { x: 0.3, y: 0.6 })).toBe(true);
    expect(contains(box, { x: 0.3, y: 0.4 })).toBe(false);
    expect(describeBox(box)).toBe('50% wide and 25% high, 25% from the left and 50% from the top');
  });
});
