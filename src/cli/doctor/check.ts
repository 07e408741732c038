/** What a check found out about this machine. */
export interface Finding {
  readonly usable: boolean;
  /** One line: a version, an amount, or the reason why not. */
  readonly detail: string;
  /** What to do about it: a command where there is one. */
  readonly fix?: string;
}

export const areas = ['machine', 'addon', 'backend', 'backbone'] as const;
export type Area = (typeof areas)[number];

/** One thing that `kindred doctor` looks at. A check may throw or hang: the runner makes a finding of it. */
export interface Check {
  readonly name: string;
  readonly area: Area;
  /** Whether the main job needs it: 'always', one usable of its area ('one-of'), or 'never' (it only helps). */
  readonly needed: 'always' | 'one-of' | 'never';
  run(): Promise<Finding>;
}
