import { z } from 'zod';
import { keptAlive } from '../../../core/keep-alive.js';
import { answerProbe } from '../probe-report.js';

const rowSchema = z.object({ version: z.string(), sum: z.literal(3) });

await answerProbe(async () => {
  const { default: Database } = await import('better-sqlite3');
  const database = keptAlive(new Database(':memory:'));
  database.exec('CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2)');
  const row = rowSchema.parse(
    keptAlive(database.prepare('SELECT sqlite_version() AS version, sum(n) AS sum FROM t')).get(),
  );
  database.close();
  return `SQLite ${row.version}`;
});
