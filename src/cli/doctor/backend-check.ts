import type { Check, Finding } from './check.js';
import { isInstalled } from './installed.js';
import type { ProbeAnswer } from './probe-report.js';
import { runProbe } from './run-probe.js';

export interface Backend {
  /** As in `train --backend`. */
  readonly name: string;
  /** Packages it takes, with the probe's name equal to that of the backend. */
  readonly packages: readonly string[];
  /** 'never' for one that is too slow for the main job. */
  readonly needed: 'one-of' | 'never';
  /** Set for one that kindred knows of but has no engine for: it is looked for, and never called usable. */
  readonly withoutEngine?: boolean;
  /** Follows the install command: what else has to be true. */
  readonly note?: string;
}

export interface BackendProbes {
  readonly isInstalled: (name: string) => boolean;
  readonly runProbe: (name: string) => Promise<ProbeAnswer>;
}

const noEngine = 'this version of kindred does not train on it yet';

const realProbes: BackendProbes = { isInstalled, runProbe };

/** Can this machine train with it? Loads it in a process of its own and multiplies two small matrices. */
export function backendCheck(backend: Backend, probes: BackendProbes = realProbes): Check {
  const { name, packages, needed, withoutEngine = false, note } = backend;
  return {
    name,
    area: 'backend',
    needed,
    async run(): Promise<Finding> {
      const absent = packages.filter((each) => !probes.isInstalled(each));
      const fix = `npm install ${(absent.length > 0 ? absent : packages).join(' ')}${note ? ` (${note})` : ''}`;
      const notInstalled = `not installed: ${absent.join(', ')}`;
      if (absent.length > 0 && withoutEngine) return { usable: false, detail: `${noEngine}; ${notInstalled}` };
      if (absent.length > 0) return { usable: false, detail: notInstalled, fix };
      const answer = await probes.runProbe(`backend-${name}`);
      if (answer.ok && withoutEngine) return { usable: false, detail: `${noEngine}; it would run: ${answer.detail}` };
      if (answer.ok) return { usable: true, detail: answer.detail };
      const detail = answer.message.split('\n').find((line) => line.trim() !== '') ?? 'unknown failure';
      return { usable: false, detail, fix: note ?? fix };
    },
  };
}
