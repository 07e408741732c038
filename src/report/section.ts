import type { ReportData } from './data.js';

/** A part of the page. */
export interface Section {
  /** Of its heading, for links. */
  readonly id: string;
  readonly title: string;
  /** HTML; null where there is nothing to show, and the section is left out. */
  readonly render: (data: ReportData) => string | null;
}
