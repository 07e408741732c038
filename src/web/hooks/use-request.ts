import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isAbort, toFailure, type Failure } from '../api/failure.js';
import type { AnswerCache } from '../state/cache.js';

export interface RequestState<T> {
  /** The answer, or an earlier one of the same group while `loading`. */
  readonly data: T | null;
  readonly loading: boolean;
  readonly failure: Failure | null;
  readonly retry: () => void;
}

export interface RequestOptions<T> {
  /** Names the request; null makes none. A new key aborts the old request. */
  readonly key: string | null;
  /** While a request of the same group is on its way, the last answer stays. */
  readonly group: string;
  readonly load: (signal: AbortSignal) => Promise<T>;
  readonly cache: AnswerCache;
  readonly accepts: (value: unknown) => value is T;
}

interface Outcome<T> {
  readonly key: string;
  readonly group: string;
  readonly data: T | null;
  readonly failure: Failure | null;
}

/** Loads something whenever `key` changes. */
export function useRequest<T>({ key, group, load, cache, accepts }: RequestOptions<T>): RequestState<T> {
  const [outcome, setOutcome] = useState<Outcome<T> | null>(null);
  const [attempt, setAttempt] = useState(0);
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    if (key === null) return;
    const known = cache.get(key, accepts);
    if (known !== undefined) {
      setOutcome({ key, group, data: known, failure: null });
      return;
    }
    const controller = new AbortController();
    latest.current(controller.signal).then(
      (data) => {
        if (controller.signal.aborted) return;
        cache.set(key, data);
        setOutcome({ key, group, data, failure: null });
      },
      (error: unknown) => {
        if (!controller.signal.aborted && !isAbort(error)) {
          setOutcome({ key, group, data: null, failure: toFailure(error) });
        }
      },
    );
    return () => controller.abort();
  }, [key, group, attempt, cache, accepts]);

  const retry = useCallback(() => {
    setOutcome(null);
    setAttempt((count) => count + 1);
  }, []);

  if (key === null) return { data: null, loading: false, failure: null, retry };
  if (outcome?.key === key) return { data: outcome.data, loading: false, failure: outcome.failure, retry };
  const known = cache.get(key, accepts);
  if (known !== undefined) return { data: known, loading: false, failure: null, retry };
  return { data: outcome?.group === group ? outcome.data : null, loading: true, failure: null, retry };
}
