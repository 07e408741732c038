import { KindredError } from '../../../core/errors.js';
import { addInto } from '../../../core/vectors.js';
import { runPoolWorker } from '../../../model/pool-worker.js';
import { createLane } from './lane.js';
import type { LaneJob, LaneResult, LaneSetup } from './lane-protocol.js';

/** Copies between one array a parameter and all of them in a row. */
function eachPart(
  arrays: ReadonlyMap<string, Float32Array>,
  row: Float32Array,
  copy: (array: Float32Array, part: Float32Array) => void,
): void {
  let offset = 0;
  for (const array of arrays.values()) copy(array, row.subarray(offset, (offset += array.length)));
}

runPoolWorker(async (setup: LaneSetup) => {
  const lane = await createLane(setup.network, setup.block);
  const parameters = new Float32Array(setup.parameters);
  const rows = setup.gradients.map((row) => new Float32Array(row));
  const gradients = rows[setup.lane] ?? new Float32Array(0);
  const total = new Float32Array(setup.total);
  let forwarded = false;
  return async (job: LaneJob) => {
    const before = lane.kernelMs;
    let embeddings = new Float32Array(0);
    if (job.kind === 'backward') {
      // A worker that took a dead one's place has not seen the pictures.
      if (!forwarded) throw new KindredError('worker-died', 'the values of the forward pass are lost');
      await lane.backward(job.gradient);
      eachPart(lane.gradients, gradients, (array, part) => part.set(array));
    } else if (job.kind === 'sum') {
      const target = total.subarray(job.from, job.to);
      job.lanes.forEach((lane, i) => {
        const part = rows[lane]?.subarray(job.from, job.to) ?? new Float32Array(0);
        if (i === 0) target.set(part);
        else addInto(target, part);
      });
    } else {
      // ONNX Runtime takes no shared memory, so each lane has a copy of its own.
      eachPart(lane.parameters, parameters, (array, part) => array.set(part));
      const found =
        job.kind === 'forward'
          ? await lane.forward(job.activations, job.count)
          : await lane.embed(job.activations, job.count);
      if (job.kind === 'forward') forwarded = true;
      embeddings = Float32Array.from(found);
    }
    const response: LaneResult = { embeddings, kernelMs: lane.kernelMs - before };
    return { response, transfer: [embeddings.buffer] };
  };
});
