import { isInstalled } from '../../core/packages.js';
import type { Check, Finding } from './check.js';
import { missingPrograms } from './installed.js';
import { runProbe } from './run-probe.js';
import type { ProbeAnswer } from './probe-report.js';

export interface Addon {
  /** The npm package. */
  readonly name: string;
  /** Whether its install compiles (or may have to). */
  readonly compiles: boolean;
  /** Instead of `npm install NAME`. */
  readonly install?: string;
}

/** What the check asks of the machine, so that tests can answer for it. */
export interface AddonProbes {
  readonly isInstalled: (name: string) => boolean;
  readonly missingPrograms: (names: readonly string[]) => Promise<string[]>;
  readonly runProbe: (name: string) => Promise<ProbeAnswer>;
}

const realProbes: AddonProbes = { isInstalled, missingPrograms, runProbe };
const toolchain = ['python3', 'make', 'g++'];

/** The first line that says something; a long list of tried paths follows it in the bindings loader's messages. */
function firstLine(message: string): string {
  return message.split('\n').find((line) => line.trim() !== '') ?? 'unknown failure';
}

async function compileFix(name: string, probes: AddonProbes): Promise<string> {
  const missing = await probes.missingPrograms(toolchain);
  const tools =
    missing.length > 0
      ? `install ${missing.join(', ')} first (Debian and Ubuntu: apt-get install python3 make g++), then `
      : '';
  return (
    `${tools}npm rebuild ${name}. Where npm blocks install scripts (npm 12): npm approve-scripts ${name} before it; ` +
    `for a global install, npm install -g --allow-scripts=${name} kindred`
  );
}

async function fixFor(
  { name, compiles, install = `npm install ${name}` }: Addon,
  message: string,
  probes: AddonProbes,
) {
  if (/NODE_MODULE_VERSION|different Node\.js version/.test(message)) {
    return `it was built for another Node version: npm rebuild ${name}`;
  }
  if (/GLIBC|libstdc\+\+|musl|ERR_DLOPEN_FAILED|cannot open shared object/.test(message)) {
    const again = compiles ? ` or compile it here: npm rebuild ${name} --build-from-source` : '';
    return `its library does not fit this system: use one with glibc 2.28 or newer,${again || ` or ${install}`}`;
  }
  return compiles ? compileFix(name, probes) : install;
}

/** A native addon that the main job needs: really loaded, in a process of its own, and put to a small use. */
export function addonCheck(addon: Addon, probes: AddonProbes = realProbes): Check {
  const { name } = addon;
  return {
    name,
    area: 'addon',
    needed: 'always',
    async run(): Promise<Finding> {
      if (!probes.isInstalled(name)) {
        return { usable: false, detail: 'not installed', fix: addon.install ?? `npm install ${name}` };
      }
      const answer = await probes.runProbe(name);
      if (answer.ok) return { usable: true, detail: answer.detail };
      return { usable: false, detail: firstLine(answer.message), fix: await fixFor(addon, answer.message, probes) };
    },
  };
}
