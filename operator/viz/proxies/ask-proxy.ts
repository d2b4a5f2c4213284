import { connect, type TLSSocket } from 'node:tls';
import { checkControlAnswer } from '../../../proxy-image/contract/control/check.ts';
import {
  CONTROL_ALPN,
  CONTROL_VERSION,
  MAX_CONTROL_ANSWER_BYTES,
} from '../../../proxy-image/contract/control/messages.ts';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import { peerCertificate } from '../../serve/certificate.ts';

/** What the control plane proves itself with, and whom it trusts; all PEM. */
export interface ControlCredentials {
  keyPem: string;
  certPem: string;
  anchorsPem: string;
}

/** The control port of a proxy, and the identity that it has to prove. */
export interface ControlAddress {
  ip: string;
  port: number;
  identity: string;
}

export interface ControlLimits {
  /** Of the whole conversation. */
  timeoutMs: number;
  /** Of all answers together, octets. */
  maxBytes: number;
}

/**
 * Asks one proxy something that it answers at once; resolves with all that it has told.
 * @throws Error: it cannot be reached, is another one, refuses, or says too much
 */
export function askProxy(
  address: ControlAddress,
  credentials: ControlCredentials,
  question: { verb: string; about: unknown },
  limits: ControlLimits,
): Promise<unknown[]> {
  const socket = connectToControl(address, credentials);
  const timer = setTimeout(
    () => socket.destroy(new Error(`no answer within ${limits.timeoutMs / 1000} s`)),
    limits.timeoutMs,
  );
  socket.once('secureConnect', () => {
    const proved = peerCertificate(socket)?.identity;
    if (proved === address.identity) socket.write(encodeFrame({ type: 'ask', version: CONTROL_VERSION, ...question }));
    else socket.destroy(new Error(`it is ${proved ?? 'nobody'}, and not ${address.identity}`));
  });
  return answersOf(socket, limits.maxBytes).finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** The connection; whether it is the proxy that is meant is to be looked at once it is secure (`peerCertificate`). */
export function connectToControl({ ip, port, identity }: ControlAddress, credentials: ControlCredentials): TLSSocket {
  return connect({
    host: ip,
    port,
    servername: identity,
    key: credentials.keyPem,
    cert: credentials.certPem,
    ca: credentials.anchorsPem,
    ALPNProtocols: [CONTROL_ALPN],
    minVersion: 'TLSv1.3',
    // The name is compared as a whole.
    checkServerIdentity: () => undefined,
  });
}

function answersOf(socket: TLSSocket, maxBytes: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const frames = new FrameReader(MAX_CONTROL_ANSWER_BYTES);
    const items: unknown[] = [];
    let bytes = 0;
    const take = (message: unknown): void => {
      const checked = checkControlAnswer(message);
      if ('problem' in checked) throw new Error(checked.problem);
      const { answer } = checked;
      if (answer.type === 'tell') items.push(answer.item);
      else if (answer.type === 'end') resolve(items);
      else throw new Error(['it refuses', answer.reason, ...answer.problems].join(': '));
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        bytes += chunk.length;
        if (bytes > maxBytes) throw new Error(`it says more than ${maxBytes} octets`);
        for (const message of frames.push(chunk)) take(message);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection has ended before the answer')));
  });
}
