import type { Catalogue } from '../../indexing/catalogue.js';

/** A catalogue whose writes can be made to reach another one as well before they are acknowledged. */
export interface ForwardingCatalogue extends Catalogue {
  /**
   * From when this resolves, each write waits for `carry` after it is stored, and none is under way that does not.
   * Returns what ends that. See SwitchParts.hold in indexing/reindex/switch.ts.
   */
  hold(carry: () => Promise<void>): Promise<() => void>;
}

/**
 * Wraps every writing method. A request that came before the server switched to another version may write after it: its
 * write is stored in the old version, and brought over from there.
 */
export function forwarding(catalogue: Catalogue): ForwardingCatalogue {
  const underWay = new Set<Promise<unknown>>();
  let forward: (() => Promise<void>) | undefined;

  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    const carry = forward;
    const running = work();
    if (carry === undefined) {
      underWay.add(running);
      return running.finally(() => underWay.delete(running));
    }
    const result = await running;
    await carry();
    return result;
  };

  return {
    ...catalogue,
    put: (items, condition) => write(() => catalogue.put(items, condition)),
    delete: (ids, condition) => write(() => catalogue.delete(ids, condition)),
    async hold(carry) {
      forward = carry;
      await Promise.allSettled([...underWay]);
      return () => (forward = undefined);
    },
  };
}
