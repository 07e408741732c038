import type { z } from 'zod';
import { KindredError, type ErrorCode } from '../../core/errors.js';
import { closest } from '../../core/registry.js';

type Issue = z.core.$ZodIssue;

/** Characters of a name that a caller made up. */
const mostEchoed = 200;

const codeOfField: Readonly<Record<string, ErrorCode>> = { box: 'invalid-box', vector: 'invalid-vector' };

function rule(issue: Issue): string {
  const unit = 'origin' in issue && issue.origin === 'string' ? ' characters' : '';
  if (issue.code === 'too_small')
    return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unit}`;
  if (issue.code === 'too_big') return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unit}`;
  if (issue.code === 'invalid_type')
    return `must be ${issue.expected === 'int' ? 'a whole number' : article(issue.expected)}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_format') return `must be ${issue.format}`;
  if (issue.code === 'invalid_key') {
    const [fault] = issue.issues;
    return `has a name that ${fault === undefined ? 'is not valid' : rule(fault)}`;
  }
  return issue.message;
}

function article(noun: string): string {
  return `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** The first thing that is wrong, as an error that names the field and the rule. */
function toError(issue: Issue, known: readonly string[]): KindredError {
  if (issue.code === 'unrecognized_keys') {
    const key = (issue.keys[0] ?? '').slice(0, mostEchoed);
    const [within, ...rest] = issue.path.map(String);
    if (within !== undefined) {
      const where = [within, ...rest, key].join('.').slice(0, mostEchoed);
      return new KindredError('invalid-option', `${where} is not known here`, { field: within });
    }
    const near = closest(key, known);
    return new KindredError('invalid-option', `${key} is not known here${near ? ` (did you mean ${near}?)` : ''}`, {
      field: key,
      hint: `Known: ${known.join(', ')}.`,
    });
  }
  if (issue.path.length === 0) return new KindredError('invalid-option', `the request: ${rule(issue)}`);
  const [first = ''] = issue.path.map(String);
  return new KindredError(
    codeOfField[first] ?? 'invalid-option',
    `${issue.path.map(String).join('.').slice(0, mostEchoed)} ${rule(issue)}`,
    {
      field: first,
    },
  );
}

/**
 * Validates a part of a request.
 * @throws KindredError invalid-option, invalid-box or invalid-vector, naming the field and the rule
 */
export function parseRequest<T extends z.ZodObject>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new KindredError('invalid-option', 'the request is not valid');
  throw toError(issue, Object.keys(schema.shape));
}
