import type { ApiItem, ApiResult } from '../../server/schemas/api.js';
import { categoryOf, describeResult, hasSameLabel, nameOf } from '../state/format.js';
import { itemState, type Filter } from '../state/url-state.js';
import { ClosenessBar } from './closeness-bar.js';
import { CheckIcon } from './icons.js';
import { ItemPicture } from './item-picture.js';
import { Link } from './link.js';

interface ResultCardProps {
  readonly result: ApiResult;
  /** The item that was asked for; null for an uploaded picture. */
  readonly query: ApiItem | null;
  readonly filter: Filter;
}

/** A neighbour: following it asks for its own neighbours, within the same filter. */
export function ResultCard({ result, query, filter }: ResultCardProps) {
  const same = hasSameLabel(result, query);
  const category = categoryOf(result);
  return (
    <li>
      <Link
        to={itemState(result.id, filter)}
        class={same ? 'card card-same' : 'card'}
        label={describeResult(result, query)}
        item={result}
      >
        <ItemPicture image={result.image} alt={nameOf(result)} />
        {same && (
          <span class="badge" title="Same label as the item you asked for">
            <CheckIcon />
            <span class="visually-hidden">same label</span>
          </span>
        )}
        <span class="card-name">{nameOf(result)}</span>
        {category !== null && <span class="card-detail">{category}</span>}
        <ClosenessBar distance={result.distance} score={result.score} />
      </Link>
    </li>
  );
}
