import type { Check } from '../check.js';

export function nodeCheck(running = process.versions.node): Check {
  return {
    name: 'node',
    area: 'machine',
    needed: 'always',
    run: () => {
      const [major = 0, minor = 0] = running.split('.').map(Number);
      const usable = major > 20 || (major === 20 && minor >= 19);
      const detail = `${running}${usable ? '' : ' is too old'} (${process.platform} ${process.arch})`;
      return Promise.resolve(usable ? { usable, detail } : { usable, detail, fix: 'install Node 20.19 or newer' });
    },
  };
}
