/** RFC 9110 section 15; what the proxy itself answers with. */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** A response of the proxy's own. */
export interface Answer {
  status: number;
  /** Whole lines, each with CR LF; names in lower case. */
  lines: string;
  body: string;
}

/**
 * An error answer (Linkerd: empty body, the reason in `l5d-proxy-error` where the other side may know it). `told` false = the reason stays here.
 * `reason` is ours, never a client's text.
 */
export function errorAnswer(status: number, reason: string, told: boolean): Answer {
  return { status, lines: told ? `l5d-proxy-error: ${reason}\r\n` : '', body: '' };
}

/** `withBody` false for HEAD. */
export function renderAnswer(answer: Answer, close: boolean, withBody: boolean): Buffer {
  const { status, lines, body } = answer;
  const bytes = Buffer.from(body, 'utf8');
  const length = status === 204 ? '' : `content-length: ${bytes.length}\r\n`;
  const connection = close ? 'connection: close\r\n' : '';
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n${length}${lines}${connection}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), withBody && status !== 204 ? bytes : Buffer.alloc(0)]);
}
