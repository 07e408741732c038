/** From the least to the most: each allows what those before it do. */
export const keyScopes = ['read', 'write', 'admin'] as const;
export type KeyScope = (typeof keyScopes)[number];

/** What a route asks of its caller; 'none' is for whoever can connect. */
export type Scope = 'none' | KeyScope;

export function covers(held: KeyScope, needed: KeyScope): boolean {
  return keyScopes.indexOf(held) >= keyScopes.indexOf(needed);
}
