import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { workerUrl } from '../../core/worker-url.js';
import { readAnswer, type ProbeAnswer } from './probe-report.js';

const limitMs = 45_000;

/**
 * Runs a probe in a process of its own, because a native library that does not fit the machine may end the process
 * that loads it (an illegal instruction, a wrong libc).
 * @param file the probe's compiled file
 */
export async function runProbeFile(file: string, timeout = limitMs): Promise<ProbeAnswer> {
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' });
  const started = performance.now();
  let output = '';
  let errors = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const ended = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ? `crashed (${signal})` : `ended with code ${code ?? 0}`));
  });
  const answer = readAnswer(output);
  if (answer) return answer;
  if (performance.now() - started >= timeout) return { ok: false, message: `no answer within ${timeout / 1000} s` };
  const last = errors.trim().split('\n').at(-1) ?? '';
  return { ok: false, message: last ? `${ended}: ${last}` : ended };
}

/** @param name of a file in probes/, without its extension */
export async function runProbe(name: string): Promise<ProbeAnswer> {
  return runProbeFile(fileURLToPath(workerUrl(`probes/${name}.js`, import.meta.url)));
}
