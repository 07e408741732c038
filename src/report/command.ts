import type { Bundle } from '../model/bundle.js';

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** As a POSIX shell reads it. */
function quoted(text: string): string {
  return /^[\w./:=,+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** `{a: 1, b: 'x'}` → a=1,b=x */
function pairs(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).map(([key, one]) => `${key}=${typeof one === 'number' ? Number(one.toPrecision(12)) : String(one)}`).join(',') // prettier-ignore
    : '';
}

/** Settings that go by another name on the command line, or not at all. */
const special: Readonly<Record<string, (value: unknown) => readonly [string, string] | null>> = {
  lossOptions: (value) => ['--loss-options', pairs(value)],
  regularizerOptions: (value) => ['--regularizer-options', pairs(value)],
  // Where activations lie changes no number, how many views there are does.
  views: (value) => ['--cache', `memory --cache-views ${String(value)}`],
  // No number depends on it, and the machine may have others.
  threads: () => null,
};

/**
 * The command that makes the model again: every setting, so that it holds when defaults change.
 * @param data the data set's folder, as the reader has it
 * @param settings undefined where the bundle does not hold them: null is returned
 */
export function trainCommand(
  settings: Readonly<Record<string, unknown>> | null,
  data: string | undefined,
): string | null {
  if (settings === null) return null;
  const flags = Object.entries(settings).flatMap(([name, value]): string[] => {
    const [flag, text] = special[name]?.(value) ?? [`--${kebab(name)}`, name in special ? '' : String(value)];
    if (text === '' || value === null || value === undefined) return [];
    return name === 'views' ? [`${flag} ${text}`] : [`${flag} ${quoted(text)}`];
  });
  return ['kindred train', `--data ${quoted(data ?? 'DATA')} --out MODEL`, ...flags].join(' \\\n  ');
}

/** What the bundle says of itself, name beside value. */
export function configuration(bundle: Bundle): (readonly [string, string])[] {
  const { backbone, loss, densityTerm, training, dataset, imported } = bundle;
  const named = (part: { name: string; options: object } | null): string =>
    part === null ? 'none' : [part.name, pairs(part.options)].filter((text) => text !== '').join(', ');
  return [
    ['fingerprint', bundle.fingerprint],
    ['made', `${bundle.createdAt} by kindred ${bundle.kindred}`],
    ['embedding', `${bundle.dimension} numbers, from ${bundle.inputSize} px`],
    ...(imported
      ? [['imported from', imported.file] as const]
      : [['backbone', `${backbone.name}, cut at ${backbone.cut}`] as const]),
    ['loss', named(loss)],
    ['density term', named(densityTerm)],
    ...(training
      ? [
          ['kept', `step ${training.steps}`] as const,
          ['batch', `${training.batch.classes} classes × ${training.batch.imagesPerClass} images`] as const,
          ['learning rates', pairs(training.learningRates)] as const,
          ['learned from', training.trainFrom] as const,
          ['seed', `${training.seed}, backend ${training.backend}`] as const,
        ]
      : []),
    ...(dataset
      ? [
          ['data set', `${dataset.name}, split ${dataset.splitHash.slice(0, 12)}`] as const,
          [
            'trained on',
            `${dataset.counts['trainImages'] ?? 0} images of ${dataset.trainClasses.length} classes`,
          ] as const,
        ]
      : []),
  ];
}
