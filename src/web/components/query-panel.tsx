import { useMemo, useEffect } from 'preact/hooks';
import type { ApiItem, ApiSearchResponse } from '../../server/schemas/api.js';
import { thumbnailUrl } from '../api/urls.js';
import { useApp } from '../hooks/use-app.js';
import type { RequestState } from '../hooks/use-request.js';
import type { Box } from '../state/box.js';
import { nameOf } from '../state/format.js';
import { pageSize, type Filter, type SearchView } from '../state/url-state.js';
import { BoxEditor } from './box-editor.js';
import { CopyLink } from './copy-link.js';
import { ItemFacts } from './item-facts.js';

interface QueryPanelProps {
  readonly view: SearchView;
  readonly filter: Filter;
  readonly item: RequestState<ApiItem>;
  /** Size of an uploaded picture, once the server has read it. */
  readonly size: ApiSearchResponse['query'] | null;
}

/** An address for a file on this device, for as long as the component is there. */
function useObjectUrl(file: File | null): string | null {
  const url = useMemo(() => (file ? URL.createObjectURL(file) : null), [file]);
  useEffect(() => () => (url === null ? undefined : URL.revokeObjectURL(url)), [url]);
  return url;
}

/** The picture that was asked for, the part of it that counts, and what is known about it. */
export function QueryPanel({ view, filter, item: { data: item, failure }, size }: QueryPanelProps) {
  const { uploads, navigate } = useApp();
  const file = view.kind === 'upload' ? uploads.get(view.key) : null;
  const objectUrl = useObjectUrl(file);
  const itemUrl = item?.image ? thumbnailUrl(item.image, 640) : null;
  const waiting = view.kind === 'item' && item === null && !failure;
  const change = (box: Box | null): void => {
    // Adjusting a box is one step for the back button, however many moves it takes.
    const how = view.box && box ? 'adjust' : 'navigate';
    navigate({ view: { ...view, box, limit: pageSize }, filter }, how);
  };
  return (
    <aside class="query-panel" aria-label="What you asked for">
      <BoxEditor
        key={view.kind === 'item' ? view.id : view.key}
        src={view.kind === 'upload' ? objectUrl : itemUrl}
        waiting={waiting}
        reason={failure ? 'The picture could not be loaded' : 'This item has no picture'}
        alt={view.kind === 'upload' ? 'Your picture' : item ? nameOf(item) : ''}
        width={item?.width ?? size?.width ?? null}
        height={item?.height ?? size?.height ?? null}
        box={view.box}
        onChange={change}
      />
      {view.kind === 'upload' ? (
        <p class="note">
          {file?.name ? <b class="file-name">{file.name}</b> : null} Your picture is used for this search only and is
          not stored, so the link to this page cannot bring it back. To share a result, open it and copy its link.
        </p>
      ) : (
        <CopyLink />
      )}
      {item && <ItemFacts item={item} />}
    </aside>
  );
}
