import { portInRanges } from '../../contract/port-ranges.ts';
import type { Reader } from '../../contract/read/reader.ts';
import type { WorkloadSettings } from '../../contract/resources.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { PortPolicyEntry } from '../policy/policy.ts';
import { compileRoutes } from '../route/compile.ts';
import type { LoadRegexEngine } from '../route/engine.ts';
import type { InboundPort, InboundPortWatcher } from './entries.ts';
import type { ParsedPolicy, ParsedWorkload } from './parse/workload.ts';

class InboundPortSlot implements InboundPort {
  readonly port: number;
  policy: PortPolicyEntry;
  /** What `policy` was compiled from, as text: an update that says the same keeps the compiled policy, and with it every judgement made by it. */
  source: string;
  readonly watchers = new Set<InboundPortWatcher>();

  constructor(port: number, source: string, policy: PortPolicyEntry) {
    this.port = port;
    this.source = source;
    this.policy = policy;
  }
}

/** Policies of the pod's inbound ports, compiled when a port is first used. */
export class InboundPorts {
  readonly #loadEngine: LoadRegexEngine;
  readonly #slots = new Map<number, InboundPortSlot>();
  #workload: ParsedWorkload;
  #changed: InboundPortSlot[] = [];

  constructor(workload: ParsedWorkload, loadEngine: LoadRegexEngine) {
    this.#workload = workload;
    this.#loadEngine = loadEngine;
  }

  get settings(): WorkloadSettings {
    return this.#workload.settings;
  }

  /** Reports expressions that the engine refuses, so that they are known before the port is used. */
  replace(workload: ParsedWorkload, reader: Reader): void {
    this.#workload = workload;
    for (const [port, policy] of workload.ports) this.#reportRoutes(policy, `ports.${port}`, reader);
    for (const { first, policy } of workload.ranges) this.#reportRoutes(policy, `ranges.${first}`, reader);
    this.#reportRoutes(workload.defaultPolicy, 'defaultPolicy', reader);
    for (const slot of this.#slots.values()) this.#renew(slot);
  }

  #reportRoutes(policy: ParsedPolicy, path: string, reader: Reader): void {
    if (policy.profile === null) return;
    const { problems } = compileRoutes('inbound', policy.profile.dst, policy.profile.routes, this.#loadEngine);
    for (const { index, message } of problems) reader.deny(`${path}.profile.routes[${index}].match`, message);
  }

  #renew(slot: InboundPortSlot): void {
    const source = this.#sourceOf(slot.port);
    if (source === slot.source) return;
    slot.source = source;
    slot.policy = this.#compile(slot.port);
    if (slot.watchers.size > 0) this.#changed.push(slot);
  }

  announce(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const slot of changed) {
      for (const watcher of [...slot.watchers]) {
        if (slot.watchers.has(watcher)) watcher.policyChanged(slot);
      }
    }
  }

  slot(port: number): InboundPort {
    let slot = this.#slots.get(port);
    if (slot === undefined) {
      slot = new InboundPortSlot(port, this.#sourceOf(port), this.#compile(port));
      this.#slots.set(port, slot);
    }
    return slot;
  }

  watch(port: number, watcher: InboundPortWatcher): void {
    this.slot(port);
    this.#slots.get(port)?.watchers.add(watcher);
  }

  unwatch(port: number, watcher: InboundPortWatcher): void {
    this.#slots.get(port)?.watchers.delete(watcher);
  }

  #policyOf(port: number): ParsedPolicy {
    const { ports, ranges, defaultPolicy } = this.#workload;
    return ports.get(port) ?? ranges.find(({ first, last }) => port >= first && port <= last)?.policy ?? defaultPolicy;
  }

  /** The opaque ranges are for ports that no policy of their own says anything about; those carry their protocol. */
  #isOpaque(port: number): boolean {
    if (this.#workload.ports.has(port)) return false;
    return portInRanges(port, this.#workload.opaquePorts);
  }

  #sourceOf(port: number): string {
    return JSON.stringify([this.#policyOf(port), this.#isOpaque(port)]);
  }

  #compile(port: number): PortPolicyEntry {
    const policy = this.#policyOf(port);
    const { dst, routes } = policy.profile ?? { dst: '', routes: [] };
    const { table } = compileRoutes('inbound', dst, routes, this.#loadEngine);
    return compilePolicy(policy, port, this.#isOpaque(port), table);
  }
}
