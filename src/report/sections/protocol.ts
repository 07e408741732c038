import { formatVerdict } from '../../evaluate/audit/protocol-table.js';
import { escape } from '../html.js';
import type { Section } from '../section.js';

const evidenceShown = 5;

/** Whether what was measured was new to the model. */
export const protocol: Section = {
  id: 'protocol',
  title: 'Is the measurement sound?',
  render({ measured }) {
    const verdict = measured?.evaluation.protocol;
    if (!verdict) return null;
    return `<pre class="scroll" tabindex="0">${escape(formatVerdict(verdict, evidenceShown, true).join('\n'))}</pre>`;
  },
};
