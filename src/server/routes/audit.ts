import { setTimeout } from 'node:timers/promises';
import type { AppDeps } from '../deps.js';
import type { Log } from '../log.js';
import { type AuditFindings, type AuditProgress, presentAudit, type RunAudit } from '../present-audit.js';
import type { Route } from '../route.js';
import { auditQuerySchema, auditResponseSchema } from '../schemas/audit.js';
import { parseRequest } from '../schemas/issues.js';

interface Run {
  readonly changeNumber: number;
  readonly done: Promise<void>;
  progress: AuditProgress;
}

/** Runs one audit at a time and keeps the last one's findings, which hold until the catalogue changes. */
function createAuditor(run: RunAudit, log: Log) {
  let findings: AuditFindings | undefined;
  let running: Run | undefined;
  let failure: Error | undefined;

  const start = (changeNumber: number): Run => {
    const report = (progress: AuditProgress): void => {
      if (running) running.progress = progress;
    };
    const done = run(report)
      .then(
        (found) => {
          findings = found;
          failure = undefined;
        },
        (error: unknown) => {
          failure = error instanceof Error ? error : new Error(String(error));
          log.error({ error: failure.message }, 'the audit failed');
        },
      )
      .finally(() => (running = undefined));
    return { changeNumber, done, progress: { stage: 'starting', done: 0, total: 0 } };
  };

  return {
    /** Waits at most `wait` seconds. @throws what the run threw */
    async at(changeNumber: number, wait: number) {
      if (findings?.changeNumber !== changeNumber) {
        const current = (running ??= start(changeNumber));
        await Promise.race([current.done, setTimeout(wait * 1000, undefined, { ref: false })]);
        if (failure !== undefined) {
          const thrown = failure;
          failure = undefined;
          throw thrown;
        }
      }
      return { findings, progress: running?.progress ?? null };
    },
  };
}

/** The audit, where the server was given one. */
export function auditRoutes({ catalogue, audit }: Pick<AppDeps, 'catalogue' | 'audit'>, log: Log): Route[] {
  if (audit === undefined) return [];
  const auditor = createAuditor(audit, log);
  return [
    {
      method: 'get',
      scope: 'read',
      path: '/v1/audit',
      operation: 'getAudit',
      summary: 'Duplicates, outliers and items likely mislabelled, with the evidence',
      query: auditQuerySchema,
      answer: { json: auditResponseSchema, about: 'The findings, or how far the run is that makes them.' },
      errors: ['invalid-option'],
      unhurried: true,
      handle: async (request, response) => {
        const { limit, wait } = parseRequest(auditQuerySchema, request.query);
        const { changeNumber } = await catalogue.stats();
        const { findings, progress } = await auditor.at(changeNumber, wait);
        const ready = findings !== undefined && findings.changeNumber === changeNumber;
        if (!ready) response.set('Retry-After', '5');
        response.json({
          state: ready ? 'ready' : 'running',
          progress: ready ? null : progress,
          findings: findings === undefined ? null : presentAudit(findings, limit),
        });
      },
    },
  ];
}
