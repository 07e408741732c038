/** kindred's public face: what the command line does, for programs. Nothing else is importable from outside. */
export { errorCodes, KindredError, type ErrorCode } from './core/errors.js';
export type { Embedder, EmbedOutcome, EmbedRequest } from './core/embedder.js';
export type { Box, ImageSource } from './core/images.js';
export type { Metadata, MetadataValue } from './core/metadata.js';
export type { ProgressEvent, ReportProgress } from './core/progress.js';
export type { Dataset, DatasetItem, SplitName } from './data/dataset.js';
export { loadDataset } from './data/dataset-folder.js';
export { prepareDataset } from './data/prepare.js';
export { datasetSources } from './data/sources/registry.js';
export { retrievalMetrics, type RetrievalMetrics } from './metrics/retrieval.js';
export { classDensities, summarizeDensity } from './metrics/density.js';
export { evaluateModel, type Evaluation } from './evaluate/evaluate.js';
export type { Catalogue, CatalogueItem, Filter, Neighbour, NewItem } from './indexing/catalogue.js';
export { createIndex, openIndex } from './indexing/index-folder.js';
export { syncIndex } from './indexing/indexer.js';
export { createSearch } from './search/search.js';
export type { TrainSettings } from './learn/settings.js';
export { openEmbedder, openUntrainedEmbedder, trainModel } from './compose.js';
