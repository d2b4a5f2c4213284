import type { PortPolicy, WorkloadResource } from '../../../proxy-image/contract/resources.ts';
import { authorization, initialWorkload, portPolicy, WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { identityName, type TestProxy } from './mesh.ts';

export const CALLERS = ['ann', 'ben'] as const;
export type CallerName = (typeof CALLERS)[number];
export const PORT_NAMES = ['a', 'b'] as const;
export type PortName = (typeof PORT_NAMES)[number];

/** Whom each port is open to. */
export type Rule = Readonly<Record<PortName, CallerName | 'nobody'>>;

/** Opposite ones, swapped, and ones in which a port is closed. */
const RULES: readonly Rule[] = [
  { a: 'ann', b: 'ben' },
  { a: 'ben', b: 'ann' },
  { a: 'ann', b: 'nobody' },
  { a: 'nobody', b: 'ann' },
  { a: 'ben', b: 'nobody' },
];

interface Ask {
  port: PortName;
  caller: CallerName;
  /** The rule in force when it was sent. */
  sentUnder: number;
}

/** Knows which rule was in force when, and judges what the applications and the clients see by it. */
export class Referee {
  /** Requests that reached an application although no rule between their sending and their arrival allowed it, and answers that no rule explains. */
  readonly faults: string[] = [];
  served = 0;
  denied = 0;
  #current = 0;
  readonly #server: TestProxy;
  readonly #ports: Readonly<Record<PortName, number>>;

  constructor(server: TestProxy, ports: Readonly<Record<PortName, number>>) {
    this.#server = server;
    this.#ports = ports;
    this.#enforce();
  }

  get rulesSoFar(): number {
    return this.#current + 1;
  }

  nextRule(): void {
    this.#current++;
    this.#enforce();
  }

  #enforce(): void {
    const rule = this.#rule(this.#current);
    const ports = Object.fromEntries(PORT_NAMES.map((name) => [this.#ports[name], policyFor(rule[name])]));
    const body: WorkloadResource = { ...initialWorkload(), sources: String(100 + this.#current), ports };
    this.#server.set(WORKLOAD_KEY, body);
  }

  #rule(number: number): Rule {
    return RULES[number % RULES.length]!;
  }

  /** The target of a request that `caller` sends to `port` now. */
  target(port: PortName, caller: CallerName): string {
    return `/${port}/${caller}/${this.#current}`;
  }

  /** A request has reached the application behind `port`. */
  arrived(port: PortName, target: string, clientId: string): void {
    const ask = parse(target);
    this.served++;
    if (ask.port !== port) this.faults.push(`${target} reached port ${port}`);
    if (clientId !== identityName(ask.caller)) this.faults.push(`${target} came as ${clientId}`);
    for (let number = ask.sentUnder; number <= this.#current; number++) {
      if (this.#rule(number)[port] === ask.caller) return;
    }
    this.faults.push(`${target} reached port ${port} under rules ${ask.sentUnder} to ${this.#current}`);
  }

  /** A client has its answer: where the rule has been the same all the time, it is known which. */
  answered(target: string, status: number): void {
    const ask = parse(target);
    if (status === 403) this.denied++;
    if (ask.sentUnder !== this.#current) return;
    const expected = this.#rule(this.#current)[ask.port] === ask.caller ? 200 : 403;
    if (status !== expected) this.faults.push(`${target} was answered with ${status} under rule ${this.#current}`);
  }
}

function parse(target: string): Ask {
  const [, port, caller, sentUnder] = target.split('/');
  return { port: port as PortName, caller: caller as CallerName, sentUnder: Number(sentUnder) };
}

function policyFor(caller: CallerName | 'nobody'): PortPolicy {
  if (caller === 'nobody') return portPolicy({ protocol: 'detect', authorizations: [] });
  const authentication = { type: 'identities' as const, identities: [identityName(caller)] };
  return portPolicy({ protocol: 'detect', authorizations: [authorization(caller, { authentication })] });
}
