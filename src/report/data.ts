import type { LabelledSet } from '../evaluate/calibration/calibrate.js';
import type { CheckedGallery } from '../evaluate/calibration/check.js';
import type { EvaluationReport } from '../evaluate/report.js';
import type { Calibration } from '../model/calibration.js';
import type { Bundle } from '../model/bundle.js';
import type { Epoch } from './history.js';

/** Density of one class, and how well it is found. */
export interface ClassPoint {
  readonly class: string;
  readonly images: number;
  readonly spread: number;
  readonly ratio: number;
  /** Of its queries; null for training classes, which are not searched for. */
  readonly recallAt1: number | null;
}

/** A picture in the report. */
export interface Shown {
  readonly path: string;
  readonly class: string;
  /** data: URL; null when the picture cannot be read any more. */
  readonly picture: string | null;
}

export interface WorstQuery {
  readonly query: Shown;
  /** MAP@R's part of this query. */
  readonly precision: number;
  /** Rank of the first of its class. */
  readonly firstRank: number;
  readonly neighbours: readonly (Shown & { readonly distance: number; readonly right: boolean })[];
}

export interface ModelMap {
  readonly points: readonly { readonly x: number; readonly y: number; readonly class: string }[];
  /** Pictures of the points, `columns` in a row, each `tile` px square: a data: URL. */
  readonly sheet: { readonly url: string; readonly columns: number; readonly tile: number };
  /** Of how many pictures the points are a sample. */
  readonly of: number;
}

/** What a data set adds. */
export interface Measured {
  /** The folder, as the user gave it. */
  readonly folder: string;
  readonly evaluation: EvaluationReport;
  readonly unseen: readonly ClassPoint[];
  /** Empty where the data set holds none of the classes that the model was trained on. */
  readonly trained: readonly ClassPoint[];
  readonly worst: readonly WorstQuery[];
  readonly map: ModelMap | null;
  readonly reliability: CheckedGallery | null;
}

/** All that a report shows. */
export interface ReportData {
  readonly bundle: Bundle;
  /** As the user named the model. */
  readonly model: string;
  readonly history: readonly Epoch[];
  readonly settings: Readonly<Record<string, unknown>> | null;
  readonly calibration: Calibration | null;
  readonly measured: Measured | null;
  /** The command line that made this report. */
  readonly command: string;
}

/** Pictures of a split, embedded. */
export interface EmbeddedSplit extends LabelledSet {
  readonly items: readonly {
    readonly path: string;
    readonly label: string | null;
    readonly role?: string | undefined;
  }[];
}
