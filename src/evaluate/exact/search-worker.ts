import { neighbourBlock } from '../../metrics/neighbours.js';
import { rankBlock } from '../../metrics/rank-block.js';
import { rankedSet } from '../../metrics/ranks.js';
import { checkSet, squaredNorms, type TileConsumer } from '../../metrics/scores.js';
import { runPoolWorker } from '../../model/pool-worker.js';
import { floatBlocks, openMultiply, type MultiplyRows } from './float-blocks.js';
import type { SearchAnswer, SearchJob, SharedSet } from './search-protocol.js';

function prepare(shared: SharedSet, multiply: MultiplyRows) {
  const { id, queries, gallery, dimension, labels } = shared;
  const checked = checkSet({ queries, dimension, ...(gallery && { gallery }) });
  const blocks = floatBlocks(checked, gallery ? squaredNorms(queries, dimension) : checked.halfNorms.map((h) => 2 * h), multiply); // prettier-ignore
  const ranked =
    labels &&
    rankedSet({
      embeddings: queries,
      labels: labels.queries,
      dimension,
      ...(gallery && labels.gallery && { gallery: { embeddings: gallery, labels: labels.gallery } }),
    });
  return { id, checked, blocks, ranked };
}

runPoolWorker<null, SearchJob, SearchAnswer>(async () => {
  const multiply = await openMultiply();
  let known: ReturnType<typeof prepare> | undefined;
  return async ({ set, first, count, k }) => {
    const { checked, blocks, ranked } = (known = known?.id === set.id ? known : prepare(set, multiply));
    const consume = async <Result>(block: TileConsumer<Result>): Promise<Result> => {
      for await (const tile of blocks.tiles(first, count)) block.add(tile);
      return block.finish();
    };
    if (k !== undefined) {
      const { indices, distances } = await consume(neighbourBlock(checked, first, count, k, blocks.error));
      return { response: { kind: 'nearest', indices, distances } };
    }
    if (!ranked) throw new Error('ranks were asked for without labels');
    const found = await consume(rankBlock(ranked, first, count, blocks.error));
    const lengths = Int32Array.from(found, ({ ranks }) => ranks.length);
    const ranks = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
    let offset = 0;
    for (const one of found) {
      ranks.set(one.ranks, offset);
      offset += one.ranks.length;
    }
    return { response: { kind: 'ranks', lengths, ranks } };
  };
});
