import { z } from 'zod';
import { answerProbe } from '../probe-report.js';
import { multiplyOn } from './multiply.js';

/** Optional, so not known to the compiler. */
const dawn: string = 'webgpu';
const backend: string = '@tensorflow/tfjs-backend-webgpu';

const infoSchema = z.object({ vendor: z.string(), architecture: z.string(), description: z.string() }).partial();
const gpuSchema = z.object({
  requestAdapter: z.custom<() => Promise<unknown>>((value) => typeof value === 'function'),
});
const dawnSchema = z.object({
  create: z.custom<(options: readonly string[]) => unknown>((value) => typeof value === 'function'),
  globals: z.record(z.string(), z.unknown()),
});

await answerProbe(async () => {
  const loaded: unknown = await import(dawn);
  const { create, globals } = dawnSchema.parse(loaded);
  Object.assign(globalThis, globals);
  const gpu = create([]);
  // Before the backend loads: it looks for it once.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  const { requestAdapter } = gpuSchema.parse(gpu);
  const adapter = z
    .object({ info: infoSchema.optional() })
    .nullish()
    .parse(await requestAdapter.call(gpu));
  if (!adapter) throw new Error('no adapter: Dawn finds no graphics driver');
  const name = [adapter.info?.vendor, adapter.info?.architecture, adapter.info?.description].filter(Boolean).join(' ');
  if (/swiftshader|llvmpipe|lavapipe|software|\bcpu\b/i.test(name)) throw new Error(`only a software adapter: ${name}`);
  await import(backend);
  return `${await multiplyOn('webgpu')} on ${name}`;
});
