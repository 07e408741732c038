import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { KindredError } from '../../core/errors.js';

/** A process that answers a line of JSON on stdin with a line of JSON on stdout, one at a time. */
export interface LineProcess {
  /** @throws KindredError internal when it ends instead of answering, or answers something else */
  ask<Answer>(command: Readonly<Record<string, unknown>>, schema: z.ZodType<Answer>): Promise<Answer>;
  stop(): Promise<void>;
}

/** @throws KindredError internal: what it said is no such line */
export function parseAnswer<Answer>(name: string, line: string, schema: z.ZodType<Answer>): Answer {
  try {
    return schema.parse(JSON.parse(line));
  } catch (cause) {
    throw new KindredError('internal', `${name} answered what cannot be read: ${line.slice(0, 200)}`, { cause });
  }
}

/** The line of a traceback or stack that says what happened. */
export function reasonIn(problem: string): string | undefined {
  const lines = problem.trim().split('\n').map((line) => line.trim()); // prettier-ignore
  return lines.findLast((line) => /^\w*(Error|Exception)\b/.test(line)) ?? lines.at(-1);
}

export function startLineProcess(name: string, program: string, args: readonly string[]): LineProcess {
  const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let problem = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (problem = (problem + chunk).slice(-8000)));
  child.stdin.on('error', () => undefined); // it died; its stderr says why
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      problem += error.message;
      resolve();
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(command, schema) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const line = await lines.next();
      if (line.done !== true) return parseAnswer(name, line.value, schema);
      await ended;
      const code = child.signalCode ?? `exit ${child.exitCode ?? '?'}`;
      throw new KindredError('internal', `${name} ended (${code}): ${reasonIn(problem) ?? 'it said nothing'}`);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await Promise.race([ended, once(child, 'close')]);
      clearTimeout(timer);
    },
  };
}
