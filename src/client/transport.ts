import { KindredClientError } from './error.js';
import { isProblem, type Guard } from './guards.js';

export interface ClientOptions {
  /** Sent as `Authorization: Bearer …`. */
  readonly key?: string | undefined;
  /** How often a call that is told to come back later (503, 429) is tried again; 2 where absent, 0 for never. */
  readonly retries?: number | undefined;
  /** The longest wait before another try, in seconds; 30 where absent. A server that asks for more is not waited for. */
  readonly longestWait?: number | undefined;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** What every call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Call extends CallOptions {
  readonly method?: 'POST' | 'PUT' | 'DELETE' | undefined;
  /** Relative to the server's address, without a slash before it. */
  readonly path: string;
  readonly query?: URLSearchParams | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Blob | FormData | string | undefined;
}

export interface Transport {
  /** Any answer of success. @throws KindredClientError; or what the signal was aborted with */
  send(call: Call): Promise<Response>;
  json<T>(call: Call, accepts: Guard<T>): Promise<{ readonly body: T; readonly etag: string | null }>;
}

function unexpected(status: number, cause?: unknown): KindredClientError {
  const detail = `what answered with status ${status} is not kindred, or not a version that this client knows`;
  return new KindredClientError({ code: 'unexpected-answer', detail }, { status, cause });
}

/** Resolves after so many seconds. @throws the signal's reason */
function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal?.reason }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

async function failureOf(response: Response): Promise<KindredClientError> {
  const { status, headers } = response;
  const seconds = Number(headers.get('retry-after') ?? NaN);
  const retryAfter = Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
  const body: unknown = await response.json().catch(() => null);
  if (isProblem(body)) return new KindredClientError(body, { status, retryAfter });
  if (status !== 503 && status !== 429) return unexpected(status);
  const detail = `answered with status ${status}`; // by a proxy before it
  return new KindredClientError({ code: 'overloaded', detail }, { status, retryAfter });
}

export function createTransport(address: string | URL, options: ClientOptions): Transport {
  const base = new URL(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const { key, retries = 2, longestWait = 30 } = options;

  const once = async ({ method, path, query, headers, body, signal }: Call): Promise<Response> => {
    const url = new URL(path, base);
    if (query) url.search = query.toString();
    const init: RequestInit = {
      method: method ?? 'GET',
      headers: { ...headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      body: body ?? null,
      signal: signal ?? null,
    };
    try {
      return await (options.fetch ?? fetch)(url, init);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const detail = `no answer from ${url.origin}`;
      throw new KindredClientError({ code: 'unreachable', detail }, { status: 0, cause: error });
    }
  };

  const send = async (call: Call): Promise<Response> => {
    for (let tried = 0; ; tried++) {
      const response = await once(call);
      if (response.ok) return response;
      const failure = await failureOf(response);
      const wait = failure.retryAfter ?? 1;
      const later = failure.status === 503 || failure.status === 429;
      if (!later || tried >= retries || wait > longestWait) throw failure;
      // Not all at the same moment, when many were sent away together.
      await pause(wait * (1 + Math.random() / 2), call.signal);
    }
  };

  return {
    send,
    async json(call, accepts) {
      const response = await send(call);
      let body: unknown;
      try {
        body = await response.json();
      } catch (error) {
        if (call.signal?.aborted === true) throw error;
        throw unexpected(response.status, error);
      }
      if (!accepts(body)) throw unexpected(response.status);
      return { body, etag: response.headers.get('etag') };
    },
  };
}
