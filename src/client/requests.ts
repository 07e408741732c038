/** What goes into requests: pictures, options of searches, lines of batches. */

export type MetadataValue = string | number | boolean;

/** What a field must be; all that is given must hold. */
export interface FilterOperators {
  readonly eq?: MetadataValue;
  readonly in?: readonly MetadataValue[];
  readonly gt?: number | string;
  readonly gte?: number | string;
  readonly lt?: number | string;
  readonly lte?: number | string;
  readonly not?: MetadataValue | readonly MetadataValue[];
  readonly exists?: boolean;
}

/** field → a value, several of which one must match, or operators. All must hold; `$and`, `$or` and `$not` combine. */
export interface Filter {
  readonly $and?: readonly Filter[];
  readonly $or?: readonly Filter[];
  readonly $not?: Filter;
  readonly [field: string]:
    MetadataValue | readonly MetadataValue[] | FilterOperators | readonly Filter[] | Filter | undefined;
}

/** An encoded picture: a file, or its bytes. */
export type Picture = Blob | Uint8Array;

/** A part of a picture, in fractions of its width and height. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** One thing to look like, or not: an item, a vector, or a picture. */
export type Example =
  | { readonly id: string; readonly box?: Box | undefined }
  | { readonly vector: readonly number[] }
  | { readonly image: Picture; readonly box?: Box | undefined };

/** Several examples in place of one; at most 32. */
export interface Examples {
  readonly positives: readonly Example[];
  readonly negatives?: readonly Example[] | undefined;
  /** 0 … 1: how much the negatives count; 0.25 where absent. */
  readonly negativeWeight?: number | undefined;
}

export interface SearchOptions {
  /** 1 … 1,000, or `auto`: as many as keep the expected precision. 20 where absent. */
  readonly limit?: number | 'auto' | undefined;
  /** 0 … 1, with `auto`. */
  readonly precision?: number | undefined;
  readonly filter?: Filter | undefined;
  /** A field: only the best of all items with the same value; `limit` counts the groups. */
  readonly groupBy?: string | undefined;
  /** 1 … 100, with `groupBy`: the best so many of each group. */
  readonly groupSize?: number | undefined;
  /** 0 … 1: only results that likely; the model must be calibrated. */
  readonly minScore?: number | undefined;
  /** 0 … 4: only results that near. */
  readonly maxDistance?: number | undefined;
  /** `cursor` of the page before, with the same query. */
  readonly cursor?: string | undefined;
  /** Compare with every item instead of walking the graph. */
  readonly exact?: boolean | undefined;
  /** 1 … 10,000: breadth of the graph search. */
  readonly ef?: number | undefined;
}

export interface BoxOption {
  /** Search for this part of the picture. */
  readonly box?: Box | undefined;
}

/** A search as POST /v1/search takes it. */
export type SearchRequest = (Example | Examples) & SearchOptions;

export interface ListOptions {
  /** Of a page: 1 … 1,000; 50 where absent. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  readonly filter?: Filter | undefined;
}

/** With neither picture nor vector, an item that is there keeps its picture. */
export interface ItemContent {
  readonly image?: Picture | undefined;
  readonly vector?: readonly number[] | undefined;
  readonly label?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, MetadataValue>> | undefined;
}

export type BatchLine = ({ readonly id: string } & ItemContent) | { readonly id: string; readonly op: 'delete' };

/** A picture as the body of a request. The server tells its format by its bytes. */
export function toBlob(picture: Picture): Blob {
  if (picture instanceof Blob)
    return picture.type.startsWith('image/') ? picture : new Blob([picture], { type: other });
  return new Blob([Uint8Array.from(picture)], { type: other });
}
const other = 'image/x-unknown';

export async function toBase64(picture: Picture): Promise<string> {
  const bytes = picture instanceof Blob ? new Uint8Array(await picture.arrayBuffer()) : picture;
  let text = '';
  // In pieces: a call has only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

type Json = Readonly<Record<string, unknown>>;

async function exampleJson(example: Example): Promise<Json> {
  return 'image' in example ? { ...example, image: await toBase64(example.image) } : { ...example };
}

/** A search as JSON. */
export async function searchJson(request: SearchRequest): Promise<Json> {
  if (!('positives' in request)) return { ...request, ...(await exampleJson(request)) };
  const { positives, negatives } = request;
  return {
    ...request,
    positives: await Promise.all(positives.map(exampleJson)),
    ...(negatives !== undefined && { negatives: await Promise.all(negatives.map(exampleJson)) }),
  };
}

const boxText = ({ x, y, w, h }: Box): string => [x, y, w, h].join();

/** Options as query parameters. */
export function toQuery(options: SearchOptions & BoxOption & Omit<ListOptions, 'limit'>): URLSearchParams {
  const { box, filter, ...rest } = options;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) query.set(name, String(value));
  if (box !== undefined) query.set('box', boxText(box));
  if (filter !== undefined) query.set('filter', JSON.stringify(filter));
  return query;
}

/** A picture with what is said of it, as a form. */
export function itemForm(image: Picture, { label, metadata }: ItemContent): FormData {
  const form = new FormData();
  if (label !== undefined && label !== null) form.set('label', label);
  if (metadata !== undefined) form.set('metadata', JSON.stringify(metadata));
  form.set('image', toBlob(image));
  return form;
}

/** One line of a batch, without its line break. */
export async function batchLineText(line: BatchLine): Promise<string> {
  if ('op' in line || line.image === undefined) return JSON.stringify(line);
  return JSON.stringify({ ...line, image: await toBase64(line.image) });
}
