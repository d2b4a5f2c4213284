import type { Answer } from '../../http/answer.ts';

/** RFC 9110 section 15, RFC 6585; what the proxy itself answers with. A status that a user has asked for may have no words (RFC 9112 section 4). */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** `persistence`: what `Connection` says, empty = nothing. `withBody` false for HEAD. */
export function renderAnswer(answer: Answer, persistence: 'close' | 'keep-alive' | '', withBody: boolean): Buffer {
  const { status, fields, body } = answer;
  const bytes = Buffer.from(body, 'utf8');
  const length = status === 204 ? '' : `content-length: ${bytes.length}\r\n`;
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const connection = persistence === '' ? '' : `connection: ${persistence}\r\n`;
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n${length}${lines}${connection}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), withBody && status !== 204 ? bytes : Buffer.alloc(0)]);
}
