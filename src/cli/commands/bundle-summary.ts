import type { Bundle } from '../../model/bundle.js';

export interface BundleFile {
  readonly name: string;
  readonly bytes: number;
}

const list = (settings: Readonly<Record<string, unknown>>): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');

const named = (one: { name: string; options: Readonly<Record<string, unknown>> } | null): string => {
  if (!one) return 'none';
  const options = list(one.options);
  return options === '' ? one.name : `${one.name} (${options})`;
};

function origin({ imported, backbone }: Bundle): (readonly [string, string])[] {
  if (!imported) {
    const { multiply, add } = backbone.scale;
    return [['backbone', `${backbone.name}, cut at ${backbone.cut}; pixel · ${multiply.toPrecision(4)} + ${add}`]];
  }
  const { file, sha256, output, pooling, layout, mean, std, batch } = imported;
  return [
    ['imported', `${file} (SHA-256 ${sha256.slice(0, 12)})`],
    ['embedding', `its output "${output}"${pooling === 'none' ? '' : `, pooling ${pooling}`}, then unit length`],
    [
      'colours',
      `(pixel / 255 − [${mean.join(', ')}]) / [${std.map((one) => Number(one.toPrecision(6))).join(', ')}], ${layout.toUpperCase()}`,
    ],
    ['batches', batch === 'whole' ? 'whole' : 'one picture after the other: the graph takes one'],
  ];
}

function training({ training: run, dataset, loss, densityTerm, imported }: Bundle): (readonly [string, string])[] {
  const learned = [
    ['loss', named(loss)],
    ['density term', named(densityTerm)],
  ] as const;
  const rows: (readonly [string, string])[] = imported ? [] : [...learned];
  if (run) {
    const { steps, batch, seed, trainFrom, backend } = run;
    const size = `${batch.classes} × ${batch.imagesPerClass}`;
    rows.push(['training', `${steps} steps of ${size}, from ${trainFrom}, seed ${seed}, on ${backend}`]);
  }
  const unknown = imported ? 'kindred does not know: whether test classes are new to it cannot be told' : 'nothing';
  const classes =
    dataset && `${dataset.name}, ${dataset.trainClasses.length} classes (split ${dataset.splitHash.slice(0, 12)})`;
  return [...rows, ['trained on', classes ?? unknown]];
}

/** A bundle for people: one line for each thing that it says of itself. */
export function formatBundle(bundle: Bundle, files: readonly BundleFile[]): string {
  const { folder, fingerprint, dimension, inputSize, preprocessing, quantization, metrics, kindred, createdAt } =
    bundle;
  const { orientation, background, resize, crop } = preprocessing;
  const rows: (readonly [string, string])[] = [
    ['fingerprint', fingerprint],
    ['input', `"pixels" uint8 [N, ${inputSize}, ${inputSize}, 3], sRGB`],
    ['output', `"embedding" float32 [N, ${dimension}], unit length`],
    ['before it', `${orientation}, ${background} behind transparency, ${resize}, ${crop}`],
    ...origin(bundle),
    ...(quantization ? [['int8', `of the model ${quantization.from.slice(0, 12)}`] as const] : []),
    ...training(bundle),
    ...Object.entries(metrics).map(([name, value]) => [name, String(Number(value.toPrecision(4)))] as const),
    ['made by', `kindred ${kindred}, ${createdAt}`],
    ['files', files.map(({ name, bytes }) => `${name} ${(bytes * 1e-6).toFixed(2)} MB`).join(', ')],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [folder, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join('\n');
}
