/** What the bars and numbers mean. */
export function ClosenessLegend() {
  return (
    <p class="legend">
      <span class="legend-bar" aria-hidden="true" />
      <span>
        The number is the <b>distance</b>: 0 is the same picture, 2 has nothing in common, 4 is the opposite. The fuller
        the bar, the closer.
      </span>
    </p>
  );
}
