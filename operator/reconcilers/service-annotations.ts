import { problemsOfService } from '../../crds/annotations/of-service.ts';
import { DEFAULT_MESH } from '../../crds/kinds/mesh/parse.ts';
import { SERVICE_ROW } from '../../crds/kinds/service/kind.ts';
import type { ServiceModel } from '../../crds/kinds/service/model.ts';
import type { Outcome } from '../runtime/controller.ts';
import type { Log } from '../runtime/log.ts';
import type { EventSink } from './status-publisher.ts';

export interface ServiceAnnotationsParts {
  find(key: string): ServiceModel | undefined;
  events: EventSink;
  log: Log;
}

/** An Event names so many problems; its note has room for 1,024 characters. */
const MAX_NAMED = 5;

/** Says once what is wrong with the annotations of a Service, and again when that changes. The proxies have been given the rest. */
export class ServiceAnnotations {
  readonly #parts: ServiceAnnotationsParts;
  readonly #reported = new Map<string, string>();

  constructor(parts: ServiceAnnotationsParts) {
    this.#parts = parts;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const { find, events, log } = this.#parts;
    const service = find(key);
    const note = service === undefined ? '' : problemsOf(service);
    if ((this.#reported.get(key) ?? '') === note) return;
    if (service === undefined || note === '') {
      this.#reported.delete(key);
      return;
    }
    const { namespace, name, uid, resourceVersion } = service.meta;
    log.warn('a Service has annotations without effect', { namespace, name, problems: note });
    const event = { type: 'Warning' as const, reason: 'InvalidAnnotation', action: 'Compile', note };
    await events.announce({ kind: SERVICE_ROW, namespace, name, uid, resourceVersion }, event, signal);
    this.#reported.set(key, note);
  }
}

function problemsOf(service: ServiceModel): string {
  // What the Mesh says makes no difference to what is wrong.
  const problems = problemsOfService(service, DEFAULT_MESH);
  const named = problems.slice(0, MAX_NAMED).map(({ path, message }) => `${path} ${message}`);
  if (problems.length > MAX_NAMED) named.push(`and ${problems.length - MAX_NAMED} more`);
  return named.join('; ');
}
