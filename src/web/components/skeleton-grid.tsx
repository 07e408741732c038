/** Stands where cards will be, in their size, so that nothing jumps when they come. */
export function SkeletonGrid({ count, withBar = false }: { count: number; withBar?: boolean }) {
  return (
    <ul class="grid" aria-hidden="true" data-loading>
      {Array.from({ length: count }, (_, index) => (
        <li key={index}>
          <span class="card">
            <span class="tile skeleton" />
            <span class="card-name skeleton skeleton-line" />
            <span class="card-detail skeleton skeleton-line skeleton-short" />
            {withBar && <span class="closeness skeleton skeleton-line" />}
          </span>
        </li>
      ))}
    </ul>
  );
}
