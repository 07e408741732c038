/** Something that a run carries from step to step beside its parameters, kept in checkpoints so that resuming is exact. */
export interface Remembered {
  /** Everything it holds, as copies by name. */
  save(): ReadonlyMap<string, Float32Array>;
  /**
   * Takes back what `save` gave.
   * @throws KindredError checkpoint-invalid when that is not what `arrays` holds
   */
  restore(arrays: ReadonlyMap<string, Float32Array>): void;
}

/** Several as one, each under a name of its own; undefined when there are none. */
export function rememberedTogether(parts: Readonly<Record<string, Remembered | undefined>>): Remembered | undefined {
  const there = Object.entries(parts).flatMap(([name, part]): [string, Remembered][] => (part ? [[name, part]] : []));
  if (there.length === 0) return undefined;
  return {
    save: () =>
      new Map(
        there.flatMap(([name, part]) =>
          [...part.save()].map(([key, data]): [string, Float32Array] => [`${name}/${key}`, data]),
        ),
      ),
    restore(arrays) {
      for (const [name, part] of there) {
        const own = [...arrays].filter(([key]) => key.startsWith(`${name}/`));
        part.restore(new Map(own.map(([key, data]) => [key.slice(name.length + 1), data])));
      }
    },
  };
}
