import type { ApiItem } from '../../server/schemas/api.js';
import { categoryOf, nameOf } from '../state/format.js';
import { itemState } from '../state/url-state.js';
import { ItemPicture } from './item-picture.js';
import { Link } from './link.js';

/** An item of the catalogue: following it finds its look-alikes. */
export function ItemCard({ item }: { item: ApiItem }) {
  const category = categoryOf(item);
  return (
    <li>
      <Link
        to={itemState(item.id)}
        class="card"
        label={[nameOf(item), category, 'find look-alikes'].filter((part) => part !== null).join(', ')}
        item={item}
      >
        <ItemPicture image={item.image} alt={nameOf(item)} />
        <span class="card-name">{nameOf(item)}</span>
        {category !== null && <span class="card-detail">{category}</span>}
      </Link>
    </li>
  );
}
