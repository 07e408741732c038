import type { Metadata, MetadataValue } from '../core/metadata.js';

/**
 * The catalogue contract: what an index can do, whoever stores it. `embedded/` keeps it in SQLite with an HNSW graph as
 * a cache; the suite in test/contracts/catalogue.ts runs against every implementation.
 */

/** What is stored of an item beside its embedding. */
export interface CatalogueItem {
  /** Unique, at most 512 bytes of UTF-8, no control characters. */
  readonly id: string;
  readonly label: string | null;
  readonly metadata: Metadata;
  /** Absolute path of the picture, or null for an item that came as a vector. Never shown over HTTP. */
  readonly imagePath: string | null;
  /** Pixels of the picture after EXIF rotation; null where unknown. */
  readonly width: number | null;
  readonly height: number | null;
  /** Lower-case hex SHA-256 of the encoded image (or of the vector's bytes). */
  readonly contentHash: string;
}

export interface NewItem extends CatalogueItem {
  /** Unit length, `dimension` values. */
  readonly embedding: Float32Array;
}

export type PutOutcome = 'added' | 'replaced' | 'unchanged';

/** What must be true of an item at the moment it is written, checked in the same transaction. */
export interface WriteCondition {
  /** The item is there with this tag (item-tag.ts), or with any for `*`. */
  readonly ifMatch?: string | undefined;
  /** No item of that id is there. */
  readonly ifAbsent?: boolean | undefined;
}

/**
 * What is asked of one field: `id`, `label` or a metadata key that occurs in the catalogue. Values compare as texts. A
 * bound that reads as a number compares with values that do, as numbers; any other compares as text, byte by byte.
 */
export type FilterCondition =
  /** One of the values; an equality is an `in` of one. */
  | { readonly field: string; readonly in: readonly MetadataValue[] }
  /** All of the bounds that are given, at least one. An item without the field is in no range. */
  | ({ readonly field: string } & FilterRange)
  | { readonly field: string; readonly exists: boolean };

export interface FilterRange {
  readonly gt?: string | number | undefined;
  readonly gte?: string | number | undefined;
  readonly lt?: string | number | undefined;
  readonly lte?: string | number | undefined;
}

/** A tree of conditions; `not` gives every other item, those without the field among them. See item-filter.ts. */
export type Filter =
  FilterCondition | { readonly and: readonly Filter[] } | { readonly or: readonly Filter[] } | { readonly not: Filter };

/** A place in the order of an answer: everything nearer comes before it, and of the same distance the lesser ids. */
export interface Position {
  readonly distance: number;
  readonly id: string;
  /** How many come before it, as far as is known: a hint for how far to look. */
  readonly rank?: number | undefined;
}

export interface SearchOptions {
  /** 1 … 1,000 */
  readonly limit: number;
  readonly filter?: Filter;
  /** Leave these items out, e.g. the query itself. */
  readonly exclude?: string | readonly string[];
  /** Only what comes behind this place (exclusive), to go on where an answer ended. */
  readonly after?: Position;
  /** Scan every vector instead of walking the graph. */
  readonly exact?: boolean;
  /** Breadth of the graph search (HNSW's ef); at least `limit`. */
  readonly ef?: number;
}

export interface Neighbour {
  readonly item: CatalogueItem;
  /** Squared Euclidean distance between unit vectors: 0 (same) … 4 (opposite); 2 − 2·cosine. */
  readonly distance: number;
  /** Local density of the item (core/local-density.ts); null while it is not known, or when it is the only item. */
  readonly density: number | null;
}

/** All that is known of one item. */
export interface StoredItem {
  readonly item: CatalogueItem;
  /** Unit length. */
  readonly embedding: Float32Array;
  /** As of a neighbour. */
  readonly density: number | null;
}

export interface SearchFrom extends StoredItem {
  readonly neighbours: readonly Neighbour[];
}

export interface ScanOptions {
  /** 1 … 1,000 */
  readonly limit: number;
  /** Continue after this id (exclusive); items come in order of id. */
  readonly after?: string;
  readonly filter?: Filter;
}

export interface ScanPage {
  readonly items: readonly CatalogueItem[];
  /** Give it as `after` to get the next page; absent on the last one. */
  readonly next?: string;
  /** Items that match the filter in all. */
  readonly total: number;
}

export interface FieldSummary {
  readonly field: string;
  /** Distinct values. */
  readonly distinct: number;
  /** The most frequent values with their counts, most frequent first, at most 100. */
  readonly values: readonly { readonly value: MetadataValue; readonly count: number }[];
}

export interface CatalogueStats {
  readonly items: number;
  readonly labels: number;
  readonly dimension: number;
  readonly fingerprint: string;
  /** Number of the last change; grows with every put and delete. */
  readonly changeNumber: number;
  readonly graph: {
    readonly state: 'ready' | 'building' | 'none';
    readonly items: number;
    /** Changed items that it has not taken up yet; searches see them all the same. */
    readonly pending: number;
  };
  /** Items whose local density is known, and the change up to which all of them were brought. */
  readonly densities: { readonly items: number; readonly changeNumber: number };
  readonly fields: readonly FieldSummary[];
  readonly bytes: number;
}

/** One line of the change log. */
export interface Change {
  readonly number: number;
  readonly op: 'put' | 'delete';
  readonly id: string;
}

export interface Catalogue {
  readonly dimension: number;
  readonly fingerprint: string;
  /**
   * Adds or replaces, all or nothing; durable and searchable when it resolves. Outcomes in the order given.
   * Calls made at the same time share a commit; each is all or nothing for itself. A condition is asked of every item.
   * @throws KindredError invalid-request, invalid-vector, precondition-failed, disk-full, folder-not-writable
   */
  put(items: readonly NewItem[], condition?: WriteCondition): Promise<PutOutcome[]>;
  /**
   * Deletes by id, all or nothing; durable when it resolves. Returns how many were there.
   * @throws KindredError precondition-failed, disk-full, folder-not-writable
   */
  delete(ids: readonly string[], condition?: WriteCondition): Promise<number>;
  get(id: string): Promise<CatalogueItem | null>;
  /** Item, vector and density in one call, as a search for what is like it needs them; null for an unknown id. */
  lookup(id: string): Promise<StoredItem | null>;
  /**
   * A lookup and a search from the item that leaves it out, in one call: what is asked for most, at half the way.
   * @throws KindredError unknown-filter-field
   */
  searchFrom(id: string, options: SearchOptions): Promise<SearchFrom | null>;
  /** The stored unit vector, or null for an unknown id. */
  embedding(id: string): Promise<Float32Array | null>;
  /**
   * Local densities of items (core/local-density.ts), in the order of the ids; null for an unknown id, and where none is
   * known yet. They are brought up to date in the background after changes; until then the last known one stands.
   */
  densities(ids: readonly string[]): Promise<(number | null)[]>;
  /**
   * Local density of a place, which need not be an item's: as a search with the same options would tell it, without
   * reading the items. Null when the catalogue has no (other) item.
   */
  densityAt(vector: Float32Array, options?: Pick<SearchOptions, 'exclude' | 'exact' | 'ef'>): Promise<number | null>;
  /** id → content hash of everything stored, to find out what is new, changed or gone. */
  contentHashes(): Promise<Map<string, string>>;
  scan(options: ScanOptions): Promise<ScanPage>;
  /** The change log after a change, oldest first, at most `limit` lines of it. */
  changesSince(number: number, limit: number): Promise<Change[]>;
  /**
   * Nearest first; ties by id. Fewer than `limit` only when fewer match.
   * @throws KindredError unknown-filter-field
   */
  search(vector: Float32Array, options: SearchOptions): Promise<Neighbour[]>;
  /**
   * Which share of a search's exact answer the search itself gives, 0 … 1: recall. The comparison with every vector goes
   * on in small steps between other calls, which it does not hold up. Null when something was written meanwhile, and
   * when nothing matches.
   */
  recall(vector: Float32Array, options: SearchOptions): Promise<number | null>;
  stats(): Promise<CatalogueStats>;
  /** A consistent copy of the truth in `folder`, taken while reads and writes go on. */
  snapshot(folder: string): Promise<void>;
  close(): Promise<void>;
}
