import { isInstalled } from '../../core/packages.js';
import type { Check, Finding } from './check.js';
import type { ProbeAnswer } from './probe-report.js';
import { runProbe } from './run-probe.js';

export interface Backend {
  /** As in `train --backend`. */
  readonly name: string;
  /** Packages it takes, with the probe's name equal to that of the backend. */
  readonly packages: readonly string[];
  /** 'never' for one that is too slow for the main job. */
  readonly needed: 'one-of' | 'never';
  /** What `npm install` takes, where that is more than the names of the packages. */
  readonly install?: string;
  /** Follows the install command: what else has to be true. */
  readonly note?: string;
}

export interface BackendProbes {
  readonly isInstalled: (name: string) => boolean;
  readonly runProbe: (name: string) => Promise<ProbeAnswer>;
}

const realProbes: BackendProbes = { isInstalled, runProbe };

/** Can this machine train with it? Loads it in a process of its own and multiplies two small matrices. */
export function backendCheck(backend: Backend, probes: BackendProbes = realProbes): Check {
  const { name, packages, needed, note } = backend;
  return {
    name,
    area: 'backend',
    needed,
    async run(): Promise<Finding> {
      const absent = packages.filter((each) => !probes.isInstalled(each));
      const install = backend.install ?? (absent.length > 0 ? absent : packages).join(' ');
      const fix = `npm install ${install}${note ? ` (${note})` : ''}`;
      if (absent.length > 0) return { usable: false, detail: `not installed: ${absent.join(', ')}`, fix };
      const answer = await probes.runProbe(`backend-${name}`);
      if (answer.ok) return { usable: true, detail: answer.detail };
      const line = answer.message.split('\n').find((text) => text.trim() !== '') ?? 'unknown failure';
      const detail = line.replace(`the backend ${name} `, '');
      return { usable: false, detail, fix: answer.fix ?? note ?? fix };
    },
  };
}
