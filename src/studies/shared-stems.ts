import { sha256 } from '../core/hashing.js';
import { createStemPipeline, type OpenStem, type StemPipeline } from '../learn/stem/stem-pipeline.js';

export interface SharedStems {
  readonly open: OpenStem;
  close(): Promise<void>;
}

/** Stems kept open at once: a study goes through its data sets in turn. */
const kept = 4;

/**
 * Hands the same pipeline to every run that asks for the same stem over the same pictures, so that pictures are decoded and
 * activations computed once for all of them. Runs must come one after the other.
 */
export function shareStems(create: OpenStem = createStemPipeline): SharedStems {
  const opened = new Map<string, Promise<StemPipeline>>();
  const closeKey = async (key: string): Promise<void> => {
    const pipeline = opened.get(key);
    opened.delete(key);
    await (await pipeline)?.close();
  };
  return {
    async open(options) {
      const { onnx, inputSize, paths, cached } = options;
      const key = sha256(JSON.stringify([sha256(onnx), inputSize, paths, cached?.views ?? null]));
      const known = opened.get(key);
      opened.delete(key);
      // Back in at the end: the first one is then the one that was not asked for longest.
      opened.set(key, known ?? create(options));
      for (const old of [...opened.keys()].slice(0, -kept)) await closeKey(old);
      const pipeline = await opened.get(key)?.catch((error: unknown) => {
        opened.delete(key);
        throw error;
      });
      if (!pipeline) throw new Error('a stem was closed while it was opened');
      return { ...pipeline, close: () => Promise.resolve() };
    },
    async close() {
      for (const key of [...opened.keys()]) await closeKey(key);
    },
  };
}
