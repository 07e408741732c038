/** Version of catalogue.db's tables. A newer one is refused, an older one brought up to date: see migrate.ts. */
export const formatVersion = 2;

/** Version of graph.json. Of another one the graph is built anew. */
export const graphFormat = 1;

/** 'kind' in ASCII: SQLite's application_id, so that another program's database is not taken for a catalogue. */
export const applicationId = 0x6b696e64;

export const databaseFile = 'catalogue.db';
export const graphFile = 'graph.hnsw';
export const graphInfoFile = 'graph.json';

export const tuning = {
  /** HNSW links per point and layer, and breadth of a build. */
  m: 16,
  efConstruction: 200,
  /** Breadth of a search when the caller names none. */
  ef: 64,
  /** Breadth of a search that only asks how dense it is somewhere. */
  densityEf: 20,
  /** Up to so many candidates a scan takes well under a millisecond and is exact, so the graph is not asked. */
  scanBelow: 2000,
  /** Below this share of the catalogue, over-fetching from the graph costs more than scanning the matches. */
  scanShare: 0.05,
  /** So many vectors are scanned in the time that a walk takes for each point of its breadth, roughly. */
  scansPerBreadth: 40,
  /** Items not in the graph yet are scanned beside it, up to so many; beyond it everything is scanned. */
  tail: 2000,
  /** Deleted points stay in the graph and slow it; beyond this share it is built anew. */
  tombstones: 0.2,
  /** How long the owner adds points before it looks at its queue again, in milliseconds. */
  chunkMs: 8,
  /** How long the owner refreshes local densities before it looks at its queue again, in milliseconds. */
  densityChunkMs: 2,
  /** Densities wait until no write has come for so long, but at most ten times as long, in milliseconds. */
  densityIdleMs: 300,
  /** When more than this share of the vectors has changed, every density is computed anew. */
  densityOverhaul: 0.25,
} as const;

export type Tuning = { readonly [K in keyof typeof tuning]: number };
