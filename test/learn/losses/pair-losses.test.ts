import { createLoss } from '../../../src/learn/losses/registry.js';
import { describeLoss } from '../../contracts/loss.js';
import { naiveCircle, naiveLifted, naiveMultiSimilarity, naiveProxyAnchor, naiveSupcon } from './naive-pairs.js';

describeLoss('multi-similarity', createLoss('multi-similarity'), naiveMultiSimilarity(2, 50, 0.5, true), true);
describeLoss(
  'multi-similarity over all pairs',
  createLoss('multi-similarity', { miner: 'all', alpha: 3, beta: 10, base: 0.2 }),
  naiveMultiSimilarity(3, 10, 0.2, false),
  true,
  { brief: true },
);
describeLoss('supcon', createLoss('supcon'), naiveSupcon(0.1), true);
// Exponents of γ·1.8 round to 1e-5 in single precision.
describeLoss('circle', createLoss('circle'), naiveCircle(0.4, 80), true, { tolerance: 1e-4 });
describeLoss('circle, γ 10', createLoss('circle', { gamma: 10, margin: 0.25 }), naiveCircle(0.25, 10), true, {
  brief: true,
});
describeLoss('lifted', createLoss('lifted'), naiveLifted(1, 8, 'euclidean'), true);
describeLoss('lifted, σ 1', createLoss('lifted', { scale: 1 }), naiveLifted(1, 1, 'euclidean'), true, { brief: true });
describeLoss(
  'lifted, cosine, σ 4',
  createLoss('lifted', { distance: 'cosine', scale: 4, margin: 0.3 }),
  naiveLifted(0.3, 4, 'cosine'),
  true,
  { brief: true },
);
describeLoss('proxy-anchor', createLoss('proxy-anchor', { alpha: 8 }), naiveProxyAnchor(8, 0.1), true);
