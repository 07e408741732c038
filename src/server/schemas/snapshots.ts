import { z } from 'zod';

/** A plain name: a client never names a path. */
export const snapshotNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: 'must be 1 to 64 letters, digits, dots, dashes and underscores, and begin with a letter or digit',
});

export const snapshotRequestSchema = z.strictObject({
  /** Where absent: the date and time. */
  name: snapshotNameSchema.optional(),
});

export const snapshotSchema = z.object({
  name: z.string(),
  createdAt: z.string(),
  kindred: z.string(),
  fingerprint: z.string(),
  dimension: z.number().int(),
  items: z.number().int(),
  /** The last change that is in it. */
  changeNumber: z.number().int(),
  files: z.number().int(),
  bytes: z.number().int(),
  /** Stored pictures that items refer to and the index no longer had. */
  missing: z.array(z.string()),
});
export type ApiSnapshot = z.infer<typeof snapshotSchema>;

export const snapshotsResponseSchema = z.object({
  /** Newest first. */
  snapshots: z.array(snapshotSchema),
  /** The name of the one that is being written. */
  running: z.string().nullable(),
});

export type ApiSnapshots = z.infer<typeof snapshotsResponseSchema>;

/** The folder of snapshots that the server was given. */
export interface SnapshotShelf {
  create(name: string): Promise<ApiSnapshot>;
  list(): Promise<ApiSnapshot[]>;
}
