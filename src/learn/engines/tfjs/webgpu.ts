import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { optionalBackends, requireInstalled, unavailable } from './optional.js';

/** Strings to the compiler, which must not look for what may be absent. */
const dawnPackage: string = optionalBackends.webgpu.packages[0];
const backendPackage: string = optionalBackends.webgpu.packages[1];

/** What Dawn computes on. */
export interface Adapter {
  readonly name: string;
  /** True for a processor that plays the GPU (Mesa's llvmpipe, SwiftShader): right, and very slow. */
  readonly software: boolean;
}

const infoSchema = z
  .object({
    vendor: z.string(),
    architecture: z.string(),
    device: z.string(),
    description: z.string(),
    isFallbackAdapter: z.boolean(),
  })
  .partial();
type AdapterInfo = z.infer<typeof infoSchema>;

type RequestAdapter = (options: { readonly powerPreference: string }) => Promise<unknown>;
const gpuSchema = z.object({ requestAdapter: z.custom<RequestAdapter>((value) => typeof value === 'function') });
const dawnSchema = z.object({
  create: z.custom<(options: readonly string[]) => unknown>((value) => typeof value === 'function'),
  globals: z.record(z.string(), z.unknown()),
});

/** Tells a graphics card from a processor that plays one. A real GPU's driver may be called Mesa, so that says nothing. */
export function describeAdapter(info: AdapterInfo): Adapter {
  const { vendor, architecture, device, description } = info;
  const all = [description, vendor, architecture, device].filter((part) => part !== undefined && part !== '');
  const software = /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(all.join(' '));
  return { name: all[0] ?? 'unnamed', software: software || info.isFallbackAdapter === true };
}

interface Found {
  readonly adapter: Adapter;
  /** Starts TF.js's backend on exactly this adapter, once. */
  readonly start: () => Promise<void>;
}

/** Dawn ends when nothing refers to it any more, whatever still computes on it. */
const keptAlive: unknown[] = [];
let found: Promise<Found> | undefined;

async function start(gpu: object): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  // TF.js looks for it when its backend loads and when it starts; other libraries may take it for a browser's.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  try {
    await import(backendPackage);
    // Small tensors would be computed on the processor: another result where no time is to be saved.
    tf.env().set('WEBGPU_CPU_FORWARD', false);
    if (!(await tf.setBackend('webgpu'))) throw new Error('TF.js cannot start it');
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}

async function find(): Promise<Found> {
  const { create, globals } = dawnSchema.parse(await import(dawnPackage));
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const handle = await gpuSchema.parse(gpu).requestAdapter.call(gpu, { powerPreference: 'high-performance' });
  const parsed = z.object({ info: infoSchema.optional() }).nullish().parse(handle);
  if (!parsed) throw new Error('no adapter: Dawn finds no graphics driver');
  keptAlive.push(gpu);
  let started: Promise<void> | undefined;
  return {
    adapter: describeAdapter(parsed.info ?? {}),
    start: () => (started ??= start({ requestAdapter: () => Promise.resolve(handle) })),
  };
}

/**
 * Loads Dawn and leaves TF.js with the webgpu backend on the adapter it found.
 * @throws KindredError backend-unavailable when it is not installed, there is no adapter, or only a software one and
 * `allowSoftware` is false: the message names it
 */
export async function openWebgpu({ allowSoftware }: { readonly allowSoftware: boolean }): Promise<Adapter> {
  requireInstalled('webgpu');
  try {
    const { adapter, start: startBackend } = await (found ??= find());
    if (!adapter.software || allowSoftware) {
      await startBackend();
      await tf.setBackend('webgpu');
      return adapter;
    }
    throw unavailable(
      `the backend webgpu has only a software adapter here: ${adapter.name}`,
      'Install the driver of a GPU, or train with --backend auto; --allow-software-gpu takes it all the same (slow).',
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'backend-unavailable') throw error;
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const hint = `Install the driver of a GPU (${optionalBackends.webgpu.needs}), or train with --backend auto.`;
    throw unavailable(`the backend webgpu does not start: ${reason}`, hint, error);
  }
}
