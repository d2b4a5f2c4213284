import type { RelayedProbe } from '../../contract/relayed-probes.ts';
import type { Connection, ConnectionHandler, Timer, TimerOwner, Transport } from '../transport/types.ts';
import type { AdminResponse } from './admin.ts';

/** Asks one URL, over TLS without looking at the certificate, as the kubelet does; the status of the answer. Rejects where there is none. */
export type AskHttp = (probe: RelayedProbe, ip: string) => Promise<number>;

/**
 * Makes probes of the application from inside the pod. Only those that injection has found in the pod can be asked for, and of the
 * application's answer only success or failure is told, so that nobody gets at anything through here that a probe would not show.
 */
export class ProbeRelay {
  readonly #transport: Transport;
  /** The address of the pod that the kubelet would ask. */
  readonly #ip: string;
  readonly #askHttp: AskHttp;
  readonly #probes: ReadonlyMap<string, RelayedProbe>;
  /** One at a time of each: who asks meanwhile hears the same. */
  readonly #underWay = new Map<string, Promise<AdminResponse | null>>();

  constructor(transport: Transport, ip: string, probes: readonly RelayedProbe[], askHttp: AskHttp) {
    this.#transport = transport;
    this.#ip = ip;
    this.#askHttp = askHttp;
    this.#probes = new Map(probes.map((probe) => [probe.path, probe]));
  }

  /** @param target request target as received; a probe's path and nothing beside it */
  has(method: string, target: string): boolean {
    return method === 'GET' && this.#probes.has(target);
  }

  /** Never rejects. `null` = to be left without an answer: of a hook the kubelet takes any answer for success. */
  ask(target: string): Promise<AdminResponse | null> {
    const known = this.#underWay.get(target);
    if (known !== undefined) return known;
    const asked = this.#ask(this.#probes.get(target)!).finally(() => this.#underWay.delete(target));
    this.#underWay.set(target, asked);
    return asked;
  }

  async #ask(probe: RelayedProbe): Promise<AdminResponse | null> {
    if (probe.type === 'tcp') {
      const connected = await new Dial(this.#transport, this.#ip, probe).result;
      return answer(connected, connected ? 'connected' : 'no connection');
    }
    try {
      const status = await this.#askHttp(probe, this.#ip);
      // What the kubelet counts as success.
      return answer(probe.isHook || (status >= 200 && status < 400), `status ${status}`);
    } catch {
      return probe.isHook ? null : answer(false, 'no answer');
    }
  }
}

function answer(succeeded: boolean, body: string): AdminResponse {
  const headers: AdminResponse['headers'] = [['content-type', 'text/plain; charset=utf-8']];
  return { status: succeeded ? 200 : 503, headers, body: `${body}\n` };
}

/** A connection that is made and closed. */
class Dial implements ConnectionHandler, TimerOwner {
  readonly result: Promise<boolean>;
  readonly #transport: Transport;
  readonly #timer: Timer;
  readonly #connection: Connection;
  #tell!: (connected: boolean) => void;

  constructor(transport: Transport, ip: string, { port, timeoutMs }: RelayedProbe) {
    this.#transport = transport;
    this.result = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.#timer = transport.timers.create(this);
    transport.timers.set(this.#timer, timeoutMs);
    this.#connection = transport.connect({ ip, port }, this);
  }

  onConnect(connection: Connection): void {
    this.#tell(true);
    connection.close();
  }

  /** Also after success, which has been told then. */
  onClose(): void {
    this.#transport.timers.clear(this.#timer);
    this.#tell(false);
  }

  onTimer(): void {
    this.#connection.reset();
  }

  onData(): void {}
  onDrain(): void {}
  onSecure(): void {}
  onEnd(connection: Connection): void {
    connection.close();
  }
}
