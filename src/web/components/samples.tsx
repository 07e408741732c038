import { useApp } from '../hooks/use-app.js';
import { useRequest } from '../hooks/use-request.js';
import { loadSamples, sampleCount } from '../api/samples.js';
import { isItems } from '../api/guards.js';
import { nameOf } from '../state/format.js';
import { itemState } from '../state/url-state.js';
import { ItemPicture } from './item-picture.js';
import { Link } from './link.js';

/** A few items that differ from each other, to begin with. */
export function Samples() {
  const { client, cache, stats, statsFailed } = useApp();
  const { data, failure } = useRequest({
    key: stats || statsFailed ? 'samples' : null,
    group: 'samples',
    load: (signal) => loadSamples(client, stats, signal),
    cache,
    accepts: isItems,
  });
  // They are an extra: what went wrong is said where the catalogue should be.
  if (failure || data?.items.length === 0) return null;
  return (
    <div class="samples">
      <h2 class="samples-title">No picture at hand? Start with one of these</h2>
      <ul class="samples-row">
        {data
          ? data.items.map((item) => (
              <li key={item.id}>
                <Link to={itemState(item.id)} class="sample" label={`Find what looks like ${nameOf(item)}`} item={item}>
                  <ItemPicture image={item.image} alt={nameOf(item)} eager />
                </Link>
              </li>
            ))
          : Array.from({ length: sampleCount }, (_, index) => (
              <li key={index} aria-hidden="true">
                <span class="sample">
                  <span class="tile skeleton" />
                </span>
              </li>
            ))}
      </ul>
    </div>
  );
}
