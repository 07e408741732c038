import { verdictLine } from '../../evaluate/audit/protocol-table.js';
import { escape, facts, paragraph, percent } from '../html.js';
import type { Section } from '../section.js';

const badge = (good: boolean, text: string): string =>
  `<p class="verdict ${good ? 'good' : 'bad'}"><b>${good ? 'verified' : 'not verified'}</b> ${escape(text)}</p>`;

/** What it is, and how far it can be believed. */
export const summary: Section = {
  id: 'summary',
  title: 'Summary',
  render({ bundle, measured, history }) {
    const { loss, densityTerm, dataset, metrics } = bundle;
    const term = densityTerm ? ` with ${densityTerm.name}` : '';
    const what = bundle.imported
      ? `An imported encoder (${bundle.imported.file}).`
      : `Trained with ${loss?.name ?? 'no'} loss${term} on ${dataset?.name ?? 'an unnamed data set'}.`;
    const stored = Object.entries(metrics).map(([name, value]) => [name, `${percent(value)} %`] as const);
    const warnings = history.flatMap(({ warning, step }) =>
      warning === undefined ? [] : [`At step ${step}: ${warning}`],
    );
    if (!measured) {
      return [
        paragraph(what),
        stored.length > 0 ? facts(stored) : '',
        ...warnings.map(paragraph),
        paragraph('Only what the bundle holds is shown: give --data for densities, the worst queries and a map.'),
      ].join('');
    }
    const { evaluation } = measured;
    const scores = evaluation.model ?? evaluation.untrained;
    const { zeroShot, protocol } = evaluation;
    return [
      paragraph(what),
      facts([
        ['Recall@1', `${percent(scores['recall@1'])} %`],
        ['MAP@R', `${percent(scores['map@r'])} %`],
        ['queries', `${evaluation.queries} of ${evaluation.classes} classes`],
        ['searched', `${evaluation.roles?.gallery ?? evaluation.images} images`],
        ['data', `${evaluation.dataset.name}, split ${evaluation.split}`],
      ]),
      zeroShot ? badge(zeroShot.verified, `zero-shot: ${zeroShot.reason}`) : badge(false, 'what this encoder was trained on is not known'), // prettier-ignore
      protocol ? paragraph(verdictLine(protocol)) : '',
      ...warnings.map(paragraph),
    ].join('');
  },
};
