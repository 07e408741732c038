/** What the checking thread is asked: to copy a catalogue to `to` first, or to check it where it is. */
export interface CheckJob {
  /** catalogue.db */
  readonly path: string;
  readonly to?: string | undefined;
}

/** What a catalogue.db says of itself, every row of it checked. */
export interface CatalogueFacts {
  /** The format of its tables. */
  readonly format: number;
  readonly fingerprint: string;
  readonly dimension: number;
  readonly items: number;
  readonly changeNumber: number;
  /** Every picture that a row refers to, once. */
  readonly images: readonly string[];
}
