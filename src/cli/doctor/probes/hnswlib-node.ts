import { answerProbe, expectNumbers } from '../probe-report.js';

await answerProbe(async () => {
  const { default: hnswlib } = await import('hnswlib-node');
  const graph = new hnswlib.HierarchicalNSW('l2', 2);
  graph.initIndex(2);
  graph.addPoint([0, 1], 7);
  graph.addPoint([1, 0], 9);
  expectNumbers('the nearest neighbour', graph.searchKnn([1, 0.1], 1).neighbors, [9]);
  return 'loads and searches';
});
