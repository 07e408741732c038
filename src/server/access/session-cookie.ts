import type { CookieOptions, Request, Response } from 'express';

const name = 'kindred_session';
const pattern = new RegExp(`(?:^|;\\s*)${name}=([A-Za-z0-9_-]{43})(?:;|$)`);

/**
 * Out of reach of scripts, and sent with no request that another site starts. `Secure` where the page came by HTTPS:
 * over plain HTTP, browsers would drop it.
 */
const optionsFor = (request: Request): CookieOptions => ({
  httpOnly: true,
  sameSite: 'strict',
  secure: request.secure,
  path: '/',
});

export function readSessionCookie(request: Request): string | undefined {
  return pattern.exec(request.headers.cookie ?? '')?.[1];
}

export function setSessionCookie(request: Request, response: Response, token: string, endsAt: number): void {
  response.cookie(name, token, { ...optionsFor(request), expires: new Date(endsAt) });
}

export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(name, optionsFor(request));
}
