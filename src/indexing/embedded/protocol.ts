import type { PlainError } from '../../core/errors.js';
import type {
  CatalogueItem,
  CatalogueStats,
  Change,
  PutOutcome,
  ScanOptions,
  ScanPage,
  SearchOptions,
  StoredItem,
  WriteCondition,
} from '../catalogue.js';
import type { Tuning } from './format.js';
import type { PackedNeighbours } from './packed.js';

/** What the owner is started with. */
export interface OwnerOptions {
  /** The version folder that holds catalogue.db. */
  readonly folder: string;
  readonly readOnly: boolean;
  readonly create?: { readonly fingerprint: string; readonly dimension: number } | undefined;
  readonly tuning: Tuning;
}

export interface Opened {
  readonly dimension: number;
  readonly fingerprint: string;
  /** Why the graph is being built anew, for the log. */
  readonly notes: readonly string[];
}

/** Every message to the owner: what it carries and what comes back. */
export interface OwnerCalls {
  open: { args: OwnerOptions; result: Opened };
  /** Embeddings one after another in one block, which is handed over. */
  put: {
    args: { items: readonly CatalogueItem[]; embeddings: Float32Array; condition?: WriteCondition | undefined };
    result: PutOutcome[];
  };
  delete: { args: { ids: readonly string[]; condition?: WriteCondition | undefined }; result: number };
  get: { args: string; result: CatalogueItem | null };
  lookup: { args: string; result: StoredItem | null };
  embedding: { args: string; result: Float32Array | null };
  densities: { args: readonly string[]; result: (number | null)[] };
  densityAt: {
    args: { vector: Float32Array; options: Pick<SearchOptions, 'exclude' | 'exact' | 'ef'> };
    result: number | null;
  };
  contentHashes: { args: undefined; result: Map<string, string> };
  changesSince: { args: { number: number; limit: number }; result: Change[] };
  scan: { args: ScanOptions; result: ScanPage };
  search: { args: { vector: Float32Array; options: SearchOptions }; result: PackedNeighbours };
  searchFrom: {
    args: { id: string; options: SearchOptions };
    result: (StoredItem & { found: PackedNeighbours }) | null;
  };
  recall: { args: { vector: Float32Array; options: SearchOptions }; result: number | null };
  stats: { args: undefined; result: CatalogueStats };
  settled: { args: undefined; result: undefined };
  close: { args: undefined; result: undefined };
}

export type CallName = keyof OwnerCalls;

export interface CallMessage<Name extends CallName> {
  readonly number: number;
  readonly name: Name;
  readonly args: OwnerCalls[Name]['args'];
}
export type AnyCall = { [Name in CallName]: CallMessage<Name> }[CallName];

export interface ReplyMessage<Result> {
  readonly number: number;
  readonly reply: { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: PlainError };
}

/** What answers each call, on the owner's side. */
export type OwnerHandlers = {
  readonly [Name in CallName]: (
    args: OwnerCalls[Name]['args'],
  ) => OwnerCalls[Name]['result'] | Promise<OwnerCalls[Name]['result']>;
};
