import type { RequestHandler } from 'express';
import helmet from 'helmet';
import { KindredError } from '../../core/errors.js';

/** Headers for a page that loads nothing from elsewhere and is framed by no one. No HTTPS is assumed. */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", 'blob:', 'data:'],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: false,
    // Over plain HTTP, and on any name but localhost, browsers ignore it and complain.
    originAgentCluster: false,
  });
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * The names that a request may call the server by when it listens on `host`; undefined (any) when that is not a loopback
 * address and none was named, since what a network calls this machine is not ours to know.
 */
export function allowedHostsFor(host: string, more: readonly string[] = []): readonly string[] | undefined {
  if (!isLoopback(host)) return more.length > 0 ? [...loopbackNames, ...more] : undefined;
  return [...loopbackNames, host.includes(':') && !host.startsWith('[') ? `[${host}]` : host, ...more];
}

/** Longer than any query of ours, and short enough for every log. */
const mostUrlBytes = 8192;

/** @throws KindredError url-too-long */
export const limitUrl: RequestHandler = (request, _response, next) => {
  if (request.originalUrl.length > mostUrlBytes) {
    throw new KindredError('url-too-long', `the address is longer than ${mostUrlBytes} bytes`, {
      hint: 'Send what is long in the body, with POST.',
    });
  }
  next();
};

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '');
}

/**
 * Loopback is no protection from other web pages: a page's own name can be pointed at 127.0.0.1 (DNS rebinding), and any
 * page can post a form here. So the Host header must be a known name, and a post must come from our own page or from
 * something that is no browser.
 * @throws KindredError host-not-allowed, origin-not-allowed
 */
export function checkCaller(
  allowedHosts: readonly string[] | undefined,
  origins: ReadonlySet<string> = new Set(),
): RequestHandler {
  return (request, _response, next) => {
    const host = request.headers.host ?? '';
    if (allowedHosts !== undefined && !allowedHosts.includes(nameOf(host))) {
      throw new KindredError('host-not-allowed', 'this server does not answer to that host name', {
        hint: 'Use its address, http://127.0.0.1 with its port, or start it with --allow-host NAME.',
      });
    }
    const { origin } = request.headers;
    const unsafe = request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS';
    if (unsafe && origin !== undefined && !sameOrigin(origin, host) && !origins.has(origin)) {
      throw new KindredError('origin-not-allowed', 'requests from pages of other origins are not answered');
    }
    next();
  };
}

/** Compares host and port only: behind a proxy that ends TLS the scheme differs. */
function sameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
