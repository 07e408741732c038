import type { CatalogueItem } from '../indexing/catalogue.js';
import { presentItem } from './present.js';
import type { ApiAuditFindings } from './schemas/audit.js';

interface Near {
  readonly item: CatalogueItem;
  readonly distance: number;
}

/** The findings of an audit, as evaluate/audit makes them; this room knows only what it shows of them. */
export interface AuditFindings {
  readonly changeNumber: number;
  readonly items: number;
  readonly pictures: number;
  readonly unreadable: number;
  readonly complete: boolean;
  readonly duplicates: readonly {
    readonly kind: 'exact' | 'near';
    readonly items: readonly CatalogueItem[];
    readonly bits: number | null;
    readonly distance: number;
    readonly labels: readonly string[];
  }[];
  readonly density: { readonly median: number | null; readonly fence: number | null };
  readonly outliers: readonly {
    readonly item: CatalogueItem;
    readonly density: number;
    readonly nearest: readonly Near[];
  }[];
  readonly mislabelled: readonly {
    readonly item: CatalogueItem;
    readonly suggested: string;
    readonly confidence: number;
    readonly neighbours: readonly Near[];
  }[];
}

export interface AuditProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** Looks through the catalogue without holding up the event loop. */
export type RunAudit = (report: (progress: AuditProgress) => void) => Promise<AuditFindings>;

const near = ({ item, distance }: Near) => ({ item: presentItem(item), distance });

/** @param limit findings of each kind; absent: all */
export function presentAudit(audit: AuditFindings, limit?: number): ApiAuditFindings {
  const { changeNumber, items, pictures, unreadable, complete, duplicates, density, outliers, mislabelled } = audit;
  return {
    changeNumber,
    items,
    pictures,
    unreadable,
    complete,
    counts: { duplicates: duplicates.length, outliers: outliers.length, mislabelled: mislabelled.length },
    duplicates: duplicates
      .slice(0, limit)
      .map((group) => ({ ...group, items: group.items.map(presentItem), labels: [...group.labels] })),
    density,
    outliers: outliers
      .slice(0, limit)
      .map((one) => ({ item: presentItem(one.item), density: one.density, nearest: one.nearest.map(near) })),
    mislabelled: mislabelled.slice(0, limit).map((one) => ({
      item: presentItem(one.item),
      suggested: one.suggested,
      confidence: one.confidence,
      neighbours: one.neighbours.map(near),
    })),
  };
}
