import net from 'node:net';
import tls from 'node:tls';
import { formatAddress } from '../../contract/keys.ts';
import type { RelayedProbe } from '../../contract/relayed-probes.ts';

/** Longest head that is waited for: only its status counts. */
const MAX_HEAD_BYTES = 65_536;
const FINAL_STATUS = /^HTTP\/1\.[01] ([2-9][0-9]{2})(?: |\r?\n)/m;
/** RFC 9110 sections 5.1 and 5.5: a field that could end its line early is no field. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[^\r\n\0]*$/;

/**
 * Asks the application, in TLS where the probe is, and looks at the status alone. Off the data path, and loaded only by the proxies of pods with such a probe: so the
 * runtime's own TLS, which speaks the versions that the kubelet speaks.
 */
export function askHttp(probe: RelayedProbe, ip: string): Promise<number> {
  const head = headOf(probe, ip);
  return new Promise((resolve, reject) => {
    if (head === null) throw new Error('a field of the probe is none');
    const { socket, connected } = open(probe, ip);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const timer = setTimeout(() => end(() => reject(new Error('no answer in time'))), probe.timeoutMs);
    let heard = '';
    socket.on(connected, () => socket.write(head, 'latin1'));
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      const status = FINAL_STATUS.exec(heard)?.[1];
      if (status !== undefined) end(() => resolve(Number(status)));
      else if (heard.length > MAX_HEAD_BYTES) end(() => reject(new Error('no status')));
    });
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('close', () => end(() => reject(new Error('closed without an answer'))));
  });
}

function open({ type, port }: RelayedProbe, host: string): { socket: net.Socket; connected: string } {
  if (type === 'http') return { socket: net.connect({ host, port }), connected: 'connect' };
  // The kubelet does not verify it either: a probe asks whether the application answers, not who it is.
  const socket = tls.connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  return { socket, connected: 'secureConnect' };
}

/** `null` where a field cannot be written. What the probe names wins over what every probe sends. */
function headOf({ target, port, headers }: RelayedProbe, ip: string): string | null {
  if (!headers.every(([name, value]) => FIELD_NAME.test(name) && FIELD_VALUE.test(value))) return null;
  const named = new Set(headers.map(([name]) => name.toLowerCase()));
  const usual: [string, string][] = [
    ['Host', formatAddress(ip, port)],
    ['User-Agent', 'kube-probe'],
    ['Accept', '*/*'],
    ['Connection', 'close'],
  ];
  const fields = [...usual.filter(([name]) => !named.has(name.toLowerCase())), ...headers];
  const lines = fields.map(([name, value]) => `${name}: ${Buffer.from(value, 'utf8').toString('latin1')}\r\n`);
  return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
