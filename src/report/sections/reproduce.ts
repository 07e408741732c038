import { configuration, trainCommand } from '../command.js';
import { escape, facts, paragraph } from '../html.js';
import type { Section } from '../section.js';

const code = (text: string): string => `<pre class="scroll" tabindex="0">${escape(text)}</pre>`;

/** What it was made with, and how to make it again. */
export const reproduce: Section = {
  id: 'reproduce',
  title: 'Configuration, and how to make it again',
  render({ bundle, settings, measured, command }) {
    const { dataset } = bundle;
    const same = measured && measured.evaluation.dataset.splitHash === dataset?.splitHash;
    const train = trainCommand(settings, same ? measured.folder : undefined);
    const data = dataset
      ? `DATA is ${dataset.name}, prepared so that its split has the hash ${dataset.splitHash}.`
      : '';
    return [
      facts(configuration(bundle)),
      train === null
        ? paragraph('The bundle does not hold the options of its training.')
        : paragraph(`The model (same numbers on the same backend and kindred ${bundle.kindred}). ${same ? '' : data}`) +
          code(train),
      paragraph('This page:'),
      code(command),
    ].join('');
  },
};
