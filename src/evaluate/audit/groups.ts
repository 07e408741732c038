/** Two of the items, by position, that are taken for the same picture, and why. */
export interface Match {
  readonly a: number;
  readonly b: number;
  /** The same bytes. */
  readonly exact: boolean;
  /** Bits in which their perceptual hashes differ; null where one has none. */
  readonly bits: number | null;
  /** Squared Euclidean distance of their embeddings; null where there are none. */
  readonly distance: number | null;
}

export interface MatchGroup {
  /** Positions, ascending; two or more. */
  readonly members: readonly number[];
  /** The matches that hold the group together; not every pair need match. */
  readonly matches: readonly Match[];
}

/** Joins matches into groups, largest first, then in order of their first member (union–find). */
export function groupMatches(matches: Iterable<Match>): MatchGroup[] {
  const parent = new Map<number, number>();
  const rootOf = (start: number): number => {
    let root = start;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up;
    for (let at = start; at !== root;) {
      const up = parent.get(at) ?? root;
      parent.set(at, root);
      at = up;
    }
    return root;
  };
  const all = [...matches];
  for (const { a, b } of all) {
    for (const member of [a, b]) if (!parent.has(member)) parent.set(member, member);
    const [first, second] = [rootOf(a), rootOf(b)];
    parent.set(Math.max(first, second), Math.min(first, second));
  }
  const groups = new Map<number, { members: number[]; matches: Match[] }>();
  const groupOf = (member: number) => {
    const root = rootOf(member);
    const group = groups.get(root) ?? { members: [], matches: [] };
    groups.set(root, group);
    return group;
  };
  for (const member of [...parent.keys()].sort((a, b) => a - b)) groupOf(member).members.push(member);
  for (const match of all) groupOf(match.a).matches.push(match);
  return [...groups.values()].sort(
    (a, b) => b.members.length - a.members.length || (a.members[0] ?? 0) - (b.members[0] ?? 0),
  );
}

/** Matches of items with the same content hash: each with the first that has it. */
export function exactMatches(contents: readonly (string | null)[]): Match[] {
  const first = new Map<string, number>();
  return contents.flatMap((content, at): Match[] => {
    if (content === null) return [];
    const before = first.get(content);
    if (before === undefined) first.set(content, at);
    return before === undefined ? [] : [{ a: before, b: at, exact: true, bits: 0, distance: null }];
  });
}
