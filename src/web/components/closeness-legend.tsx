/** What the bars and numbers mean. */
export function ClosenessLegend({ scored = false }: { readonly scored?: boolean }) {
  return (
    <p class="legend">
      <span class="legend-bar" aria-hidden="true" />
      <span>
        The number is the <b>distance</b>: 0 for the same picture, 2 for nothing in common, 4 for the opposite.
        {scored && ' How likely two things are the same was learned from labelled pictures.'}
      </span>
    </p>
  );
}
