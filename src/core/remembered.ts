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
