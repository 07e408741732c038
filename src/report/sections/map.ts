import * as Plot from '@observablehq/plot';
import { chart } from '../chart.js';
import type { ModelMap } from '../data.js';
import { escape, paragraph } from '../html.js';
import type { Section } from '../section.js';

/** A hue for each class, far from those before it, readable on light and on dark. */
function hues(names: readonly string[]): Map<string, string> {
  return new Map(
    [...new Set(names)].sort().map((name, i) => [name, `hsl(${((i * 137.508) % 360).toFixed(0)} 60% 52%)`]),
  );
}

function drawing({ points, sheet }: ModelMap): string {
  const colors = hues(points.map((point) => point.class));
  const dots = points.map((point) => ({ ...point, color: colors.get(point.class) ?? 'gray' }));
  const figure = chart({
    title: 'The unseen classes in two dimensions',
    description: `UMAP of ${points.length} embeddings of ${colors.size} classes, coloured by class.`,
    kind: 'map',
    plot: {
      width: 900,
      height: 620,
      marginLeft: 10,
      x: { axis: null },
      y: { axis: null },
      marks: [Plot.dot(dots, { x: 'x', y: 'y', r: 4, fill: 'color', fillOpacity: 0.8, title: 'class', sort: null })],
    },
  });
  const tip = `<div id="tip" hidden style="--columns:${sheet.columns};--tile:${sheet.tile}px"><i></i><b></b></div>`;
  // The picture is named once, in a style of its own: it is a megabyte.
  return `<style>#tip i{background-image:url(${sheet.url})}</style><div class="map-frame">${figure}${tip}</div>`;
}

/** Which classes lie where. */
export const map: Section = {
  id: 'map',
  title: 'Map',
  render({ measured }) {
    if (!measured?.map) return null;
    const { map: found } = measured;
    const sample = found.points.length < found.of ? `${found.points.length} of ${found.of} pictures, drawn with a fixed seed.` : `All ${found.of} pictures.`; // prettier-ignore
    const names = [...new Set(found.points.map((point) => point.class))].sort();
    return [
      paragraph(
        `${sample} Neighbours on the map are neighbours in the embedding; distances between far groups mean nothing. Point at a dot for its picture and class; choose a class to see where it lies.`,
      ),
      `<label class="choose">Class <select id="map-class"><option value="">all</option>${names.map((name) => `<option>${escape(name)}</option>`).join('')}</select></label>`,
      drawing(found),
    ].join('');
  },
};

/** What the page does by itself: pictures at the pointer, and one class at a time. */
export const mapScript = `(() => {
  const figure = document.querySelector('.map svg'), tip = document.getElementById('tip');
  if (!figure || !tip) return;
  const dots = [...figure.querySelectorAll('circle')];
  const columns = +getComputedStyle(tip).getPropertyValue('--columns');
  const names = dots.map((dot) => { const title = dot.querySelector('title'), name = title.textContent; title.remove(); return name; });
  const frame = tip.parentElement;
  const show = (event) => {
    const i = dots.indexOf(event.target);
    tip.hidden = i < 0;
    if (i < 0) return;
    tip.querySelector('i').style.backgroundPosition = 'calc(-' + (i % columns) + ' * var(--tile)) calc(-' + Math.floor(i / columns) + ' * var(--tile))';
    tip.querySelector('b').textContent = names[i];
    const at = frame.getBoundingClientRect();
    tip.style.left = Math.max(0, Math.min(event.clientX - at.left + 12, at.width - tip.offsetWidth)) + 'px';
    tip.style.top = event.clientY - at.top + 12 + 'px';
  };
  figure.addEventListener('pointermove', show);
  figure.addEventListener('pointerdown', show);
  figure.addEventListener('pointerleave', () => { tip.hidden = true; });
  document.getElementById('map-class').addEventListener('change', ({ target }) =>
    dots.forEach((dot, i) => { dot.style.opacity = target.value === '' || names[i] === target.value ? '' : 0.06; }));
})();`;
