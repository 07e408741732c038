/** A part of a picture, in fractions of its width and height. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The smallest side of a box; anything smaller is taken for a click. */
export const minSide = 0.04;

const decimals = 1000;

function round(value: number): number {
  return Math.round(value * decimals) / decimals;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** The same box with sides of at least `minSide`, inside the picture, rounded to a thousandth. */
export function fitBox(box: Box): Box {
  const w = round(clamp(box.w, minSide, 1));
  const h = round(clamp(box.h, minSide, 1));
  return { x: round(clamp(box.x, 0, 1 - w)), y: round(clamp(box.y, 0, 1 - h)), w, h };
}

/** The box between two corners in any order, or null when it is too small to be meant. */
export function boxBetween(a: Point, b: Point): Box | null {
  const [left, right] = [clamp(Math.min(a.x, b.x), 0, 1), clamp(Math.max(a.x, b.x), 0, 1)];
  const [top, bottom] = [clamp(Math.min(a.y, b.y), 0, 1), clamp(Math.max(a.y, b.y), 0, 1)];
  if (right - left < minSide || bottom - top < minSide) return null;
  return fitBox({ x: left, y: top, w: right - left, h: bottom - top });
}

export function moveBox(box: Box, dx: number, dy: number): Box {
  return fitBox({ ...box, x: box.x + dx, y: box.y + dy });
}

/** Grows or shrinks to the right and downwards, without moving the upper left corner. */
export function resizeBox(box: Box, dw: number, dh: number): Box {
  return fitBox({ ...box, w: clamp(box.w + dw, minSide, 1 - box.x), h: clamp(box.h + dh, minSide, 1 - box.y) });
}

/** Which corner of a box: north-west, north-east, … */
export const corners = ['nw', 'ne', 'sw', 'se'] as const;
export type Corner = (typeof corners)[number];

/** The corner that stays put while `corner` is dragged. */
export function oppositeCorner(box: Box, corner: Corner): Point {
  return {
    x: corner.endsWith('w') ? box.x + box.w : box.x,
    y: corner.startsWith('n') ? box.y + box.h : box.y,
  };
}

export function contains(box: Box, point: Point): boolean {
  return point.x >= box.x && point.x <= box.x + box.w && point.y >= box.y && point.y <= box.y + box.h;
}

/** "0.1,0.2,0.5,0.5" for the page's address; '' for no box. */
export function formatBox(box: Box | null): string {
  return box ? [box.x, box.y, box.w, box.h].map(round).join(',') : '';
}

/** The reverse of formatBox; null for anything that is not a box inside the picture. */
export function parseBox(text: string | null): Box | null {
  if (!text || !/^[\d.,]+$/.test(text)) return null;
  const [x, y, w, h, ...rest] = text.split(',').map((part) => (part === '' ? Number.NaN : Number(part)));
  if (x === undefined || y === undefined || w === undefined || h === undefined || rest.length > 0) return null;
  if (![x, y, w, h].every(Number.isFinite)) return null;
  if (w <= 0 || h <= 0 || x + w > 1 + 1 / decimals || y + h > 1 + 1 / decimals) return null;
  return fitBox({ x, y, w, h });
}

/** For screen readers: where the box is, in whole per cents. */
export function describeBox(box: Box): string {
  const percent = (value: number): string => `${Math.round(value * 100)}%`;
  return `${percent(box.w)} wide and ${percent(box.h)} high, ${percent(box.x)} from the left and ${percent(box.y)} from the top`;
}
