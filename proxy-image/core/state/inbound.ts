import type { RateLimit } from '../../contract/policy/inbound.ts';
import type { RequestMatch } from '../../contract/policy/match.ts';
import { portInRanges } from '../../contract/port-ranges.ts';
import type { Reader } from '../../contract/read/reader.ts';
import type { WorkloadSettings } from '../../contract/resources.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { PortPolicyEntry, Rules } from '../policy/policy.ts';
import type { RateLimiter } from '../policy/rate-limit.ts';
import type { LoadRegexEngine } from '../route/engine.ts';
import { compileMatch } from '../route/match.ts';
import { compileProfile } from '../route/profile.ts';
import type { CompiledMatch } from '../route/table.ts';
import type { InboundPort, InboundPortWatcher } from './entries.ts';
import type { LoadRuleParts } from './parse/load-rule-parts.ts';
import type { ParsedPolicy } from './parse/policy.ts';
import type { ParsedWorkload } from './parse/workload.ts';

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
  readonly #loadParts: LoadRuleParts;
  readonly #slots = new Map<number, InboundPortSlot>();
  #workload: ParsedWorkload;
  #changed: InboundPortSlot[] = [];

  constructor(workload: ParsedWorkload, loadEngine: LoadRegexEngine, loadParts: LoadRuleParts) {
    this.#loadParts = loadParts;
    this.#workload = workload;
    this.#loadEngine = loadEngine;
  }

  get settings(): WorkloadSettings {
    return this.#workload.settings;
  }

  /** Reports expressions that the engine refuses, so that they are known before the port is used. */
  replace(workload: ParsedWorkload, reader: Reader): void {
    this.#workload = workload;
    for (const [port, policy] of workload.ports) this.#report(policy, `ports.${port}`, reader);
    for (const { first, policy } of workload.ranges) this.#report(policy, `ranges.${first}`, reader);
    this.#report(workload.defaultPolicy, 'defaultPolicy', reader);
    for (const slot of this.#slots.values()) this.#renew(slot);
  }

  #report(policy: ParsedPolicy, path: string, reader: Reader): void {
    const { dst, routes } = policy.profile ?? { dst: '', routes: [] };
    const { problems } = compileProfile(dst, routes, this.#loadEngine);
    for (const { index, message } of problems) reader.deny(`${path}.profile.routes[${index}].match`, message);
    for (const [index, { match }] of policy.rules.entries()) {
      const compiled = this.#compileMatch(match);
      if (typeof compiled === 'string') reader.deny(`${path}.rules[${index}].match`, compiled);
    }
  }

  #renew(slot: InboundPortSlot): void {
    const source = this.#sourceOf(slot.port);
    if (source === slot.source) return;
    slot.source = source;
    slot.policy = this.#compile(slot.port, slot.policy);
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
      slot = new InboundPortSlot(port, this.#sourceOf(port), this.#compile(port, null));
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

  #compile(port: number, previous: PortPolicyEntry | null): PortPolicyEntry {
    const policy = this.#policyOf(port);
    const { dst, routes } = policy.profile ?? { dst: '', routes: [] };
    return compilePolicy(policy, {
      port,
      opaque: this.#isOpaque(port),
      routes: compileProfile(dst, routes, this.#loadEngine).table,
      rules: this.#rulesOf(policy),
      limiter: this.#limiterOf(policy.rateLimit, previous?.limiter ?? null),
    });
  }

  #rulesOf(policy: ParsedPolicy): Rules | null {
    if (policy.rules.length === 0) return null;
    const { CompiledRules } = this.#loadParts();
    return new CompiledRules(policy, (match) => {
      const compiled = this.#compileMatch(match);
      return typeof compiled === 'string' ? null : compiled;
    });
  }

  /** What the engine says, where it refuses an expression. */
  #compileMatch(match: RequestMatch): CompiledMatch | string {
    try {
      return compileMatch(match, this.#loadEngine).match;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** An update that leaves the limit as it is must not refill its buckets. */
  #limiterOf(limit: RateLimit | null, previous: RateLimiter | null): RateLimiter | null {
    if (limit === null) return null;
    const same = previous !== null && JSON.stringify(previous.limit) === JSON.stringify(limit);
    return same ? previous : new (this.#loadParts().RateLimiter)(limit);
  }
}
