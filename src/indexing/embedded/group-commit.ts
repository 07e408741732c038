import type Database from 'better-sqlite3';

interface Waiting {
  /** Runs within the transaction, in a savepoint of its own; gives what to do once that is committed. */
  readonly work: () => () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets writes share a commit, and so its fsync. What is asked for while a commit is made waits for the next one: nobody
 * waits for company, and the more writers there are, the fewer commits each needs. Every write stays all or nothing for
 * itself; only when the commit itself fails do all of a group fail.
 */
export class GroupCommit {
  readonly #db: Database.Database;
  readonly #inSavepoint;
  readonly #inTransaction;
  #queue: Waiting[] = [];
  #scheduled = false;
  #commits = 0;

  constructor(db: Database.Database) {
    this.#db = db;
    // Within a transaction, better-sqlite3 makes a savepoint of a nested one.
    this.#inSavepoint = db.transaction((work: () => () => void) => work());
    this.#inTransaction = db.transaction((group: readonly Waiting[]) => this.#runAll(group));
  }

  /** Transactions committed so far: what tests count. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * @param write the statements, which see what earlier writes of the group have done
   * @param committed makes the result known in memory; called in the order of the writes
   */
  run<Written, Result>(write: () => Written, committed: (written: Written) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const work = (): (() => void) => {
        const written = write();
        return () => {
          try {
            resolve(committed(written));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
      };
      this.#queue.push({ work, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      // After the messages that have come already: they are in the same group then.
      setImmediate(() => this.flush());
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    this.#scheduled = false;
    const group = this.#queue;
    this.#queue = [];
    if (group.length === 0) return;
    let done: (() => void)[];
    try {
      done = this.#inTransaction.immediate(group);
      this.#commits++;
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const tell of done) tell();
  }

  #runAll(group: readonly Waiting[]): (() => void)[] {
    return group.map(({ work, reject }) => {
      try {
        return this.#inSavepoint(work);
      } catch (error) {
        // A full disk or a failing one ends the whole transaction, not only the savepoint.
        if (!this.#db.inTransaction) throw error;
        return () => reject(error);
      }
    });
  }
}
