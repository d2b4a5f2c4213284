import type { ConnectionError, ConnectionErrorKind } from './types.ts';

const KINDS: Readonly<Record<string, ConnectionErrorKind>> = {
  ECONNREFUSED: 'refused',
  ENETUNREACH: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EINVAL: 'unreachable',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  EPROTO: 'tls',
};

export function connectionError(error: { code?: string; message: string }): ConnectionError {
  const code = error.code ?? '';
  const ofTls = code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS');
  return { kind: KINDS[code] ?? (ofTls ? 'tls' : 'other'), detail: error.message };
}
