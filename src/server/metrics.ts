import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { version } from '../core/version.js';
import type { CatalogueStats } from '../indexing/catalogue.js';
import type { TruthSnapshot } from '../search/truth-meter.js';
import type { ObserveStage } from '../search/stopwatch.js';
import type { Queues } from './queues.js';
import type { ApiModel } from './schemas/api.js';

export interface AnsweredRequest {
  readonly method: string;
  /** Of its route as it is written in the code, never what the client sent; 'page' or 'none' where there is none. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** What is told as it is at the moment. */
export interface Exposed {
  readonly queues: Queues;
  /** Null: the index did not say it in time. */
  readonly stats: CatalogueStats | null;
  readonly model: ApiModel;
  /** Null: no answers are checked. */
  readonly truth: TruthSnapshot | null;
}

export interface Metrics {
  readonly contentType: string;
  began(): void;
  answered(request: AnsweredRequest): void;
  timedOut(): void;
  readonly stage: ObserveStage;
  /** The text that Prometheus reads. */
  expose(now: Exposed): Promise<string>;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

function queueGauges(registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: ['queue'], registers });
  return {
    places: gauge('kindred_queue_places', 'The most that are at work at once'),
    active: gauge('kindred_queue_active', 'Requests (of embeddings: pictures) at work'),
    queued: gauge('kindred_queue_waiting', 'Those that wait for a place'),
    refused: gauge('kindred_queue_refused_total', 'Those turned away with 503 since the start'),
  };
}

function indexGauges(registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  return {
    items: gauge('kindred_index_items', 'Items in the index'),
    bytes: gauge('kindred_index_bytes', 'Bytes of its database and graph'),
    change: gauge('kindred_index_change_number', 'Number of the last change'),
    graph: gauge('kindred_graph_items', 'Items in the graph'),
    lag: gauge('kindred_graph_pending_items', 'Changed items that the graph has not taken up yet'),
    ready: gauge('kindred_graph_ready', '1 when searches walk the graph and nothing is pending'),
    densities: gauge('kindred_densities_items', 'Items whose local density is known'),
    densityLag: gauge('kindred_densities_lag_changes', 'Changes since the densities were brought up to date'),
  };
}

function truthGauges(registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  return {
    recall: gauge(
      'kindred_recall_at_10',
      'Share of the ten exact results that live searches gave, of the last ones checked',
    ),
    checked: gauge('kindred_recall_checked_total', 'Live searches compared with the exact answer since the start'),
    dropped: gauge(
      'kindred_recall_dropped_total',
      'Live searches drawn for it and not compared: too many, or written meanwhile',
    ),
  };
}

/**
 * What the server counts. One for the process, whichever version of the index it serves.
 * @param process also its memory, event loop and garbage collection; starts observers that stay, so once a process
 */
export function createMetrics({ process: ofProcess = false }: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (ofProcess) collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'kindred_http_request_duration_seconds',
    help: 'From the request’s headers to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers,
  });
  const stages = new Histogram({
    name: 'kindred_stage_duration_seconds',
    help: 'Parts of a search: pictures embedded with their wait, neighbours, scores',
    labelNames: ['stage'],
    buckets,
    registers,
  });
  const help = 'Requests begun and not ended';
  const inFlight = new Gauge({ name: 'kindred_http_requests_in_flight', help, registers });
  const late = new Counter({ name: 'kindred_timed_out_total', help: 'Requests not answered in time', registers });
  const queues = queueGauges(registers);
  const index = indexGauges(registers);
  const truth = truthGauges(registers);
  const info = new Gauge({
    name: 'kindred_model_info',
    help: 'The model that is served',
    labelNames: ['fingerprint', 'backbone', 'dimension'],
    registers,
  });
  const labelNames = ['version', 'node'];
  const build = new Gauge({ name: 'kindred_build_info', help: 'The program', labelNames, registers });
  build.set({ version, node: process.version }, 1);
  const uptime = new Gauge({ name: 'kindred_uptime_seconds', help: 'Since the process started', registers });

  return {
    contentType: registry.contentType,
    began: () => inFlight.inc(),
    answered({ method, route, status, seconds }) {
      inFlight.dec();
      const known = methods.has(method) ? method : 'other';
      duration.observe({ method: known, route, status: `${Math.floor(status / 100)}xx` }, seconds);
    },
    timedOut: () => late.inc(),
    stage: (stage, seconds) => stages.observe({ stage }, seconds),
    async expose({ queues: places, stats, model: { fingerprint, backbone, dimension }, truth: checked }) {
      const { images, searches, writes, embeddings } = places;
      for (const [queue, limiter] of Object.entries({ images, searches, writes, embeddings })) {
        queues.places.set({ queue }, limiter.places);
        queues.active.set({ queue }, limiter.active);
        queues.queued.set({ queue }, limiter.queued);
        queues.refused.set({ queue }, limiter.refused);
      }
      if (stats) {
        index.items.set(stats.items);
        index.bytes.set(stats.bytes);
        index.change.set(stats.changeNumber);
        index.graph.set(stats.graph.items);
        index.lag.set(stats.graph.pending);
        index.ready.set(stats.graph.state === 'ready' ? 1 : 0);
        index.densities.set(stats.densities.items);
        index.densityLag.set(Math.max(0, stats.changeNumber - stats.densities.changeNumber));
      }
      if (checked !== null) {
        // NaN, which Prometheus takes for no value, until a query was checked.
        truth.recall.set(checked.recallAt10 ?? NaN);
        truth.checked.set(checked.total.checked);
        truth.dropped.set(checked.total.dropped + checked.total.stale);
      }
      info.reset(); // a model that is served no more
      info.set({ fingerprint, backbone, dimension: String(dimension) }, 1);
      uptime.set(process.uptime());
      return registry.metrics();
    },
  };
}
