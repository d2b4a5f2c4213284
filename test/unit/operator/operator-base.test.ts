import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ResourceEvent, ResourceEventType } from '@dot-i/k8s-operator';
import { expect } from 'chai';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { OperatorBase } from '../../../operator/kube/operator-base.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { Manager } from '../../../operator/runtime/manager.ts';
import { FakeApiServer } from '../../fakes/api-server.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { eventually } from '../../support/eventually.ts';

const THINGS = '/apis/test.dev/v1/things';
const FINALIZER = 'test.dev/cleanup';

class ThingOperator extends OperatorBase {
  readonly events: string[] = [];
  onEvent: (event: ResourceEvent) => Promise<void> = async () => {};

  protected override async init(): Promise<void> {
    await this.watchResource('test.dev', 'v1', 'things', async (event) => {
      this.events.push(`${event.type} ${event.meta.name}`);
      await this.onEvent(event);
    });
    await this.parts.manager.start();
    await this.parts.manager.lead();
  }

  finalize(event: ResourceEvent, action: () => Promise<void>): Promise<boolean> {
    return this.handleResourceFinalizer(event, FINALIZER, action);
  }

  define(file: string) {
    return this.registerCustomResourceDefinition(file);
  }

  uri(): string {
    return this.getCustomResourceApiUri('test.dev', 'v1', 'things', 'a');
  }
}

function thing(name: string, metadata: object = {}, spec: object = {}) {
  return { apiVersion: 'test.dev/v1', kind: 'Thing', metadata: { namespace: 'a', name, ...metadata }, spec };
}

describe("base class on the operator library's lifecycle", () => {
  let api: FakeApiServer;
  let operator: ThingOperator;
  let log: MemoryLogger;
  const exit = process.exit;
  let exits: unknown[] = [];

  beforeEach(async () => {
    exits = [];
    process.exit = ((code?: number) => {
      exits.push(code);
    }) as typeof process.exit;
    api = await new FakeApiServer().start();
    log = new MemoryLogger();
    const config = api.configure(new PooledKubeConfig());
    operator = new ThingOperator({
      config,
      rest: new RestClient(config),
      manager: new Manager({ clock: systemClock, log }),
      fieldManager: 'tester',
      clock: systemClock,
      random: () => 0,
      log,
    });
  });

  afterEach(async () => {
    await operator.stop();
    await api.stop();
    process.exit = exit;
    expect(exits, 'calls of process.exit').to.deep.equal([]);
  });

  it('is told when each writer wrote an object, and not which fields it has', async () => {
    const written = { manager: 'somebody', operation: 'Apply', time: '2026-06-01T12:00:00Z' };
    const seen: unknown[] = [];
    operator.onEvent = async ({ object }) => {
      seen.push(object.metadata?.managedFields);
    };
    api.objects.put(THINGS, thing('one', { managedFields: [{ ...written, fieldsV1: { 'f:spec': {} } }] }));
    await operator.start();
    await eventually('it was seen', () => seen.length > 0);
    expect(seen).to.deep.equal([[written]]);
  });

  it('gives events of added, modified and deleted objects, also after the watch was cut', async () => {
    api.objects.put(THINGS, thing('one'));
    await operator.start();
    await eventually('first', () => operator.events.length === 1);
    api.endWatches('reset');
    await eventually('watching again', () => api.openWatches === 1, 15_000);
    api.objects.put(THINGS, thing('one', {}, { n: 2 }));
    await eventually('second', () => operator.events.length === 2);
    api.objects.remove(THINGS, 'a/one');
    await eventually('third', () => operator.events.length === 3);
    expect(operator.events).to.deep.equal(['ADDED one', 'MODIFIED one', 'DELETED one']);
  }).timeout(30_000);

  it('reports a deletion that happened while nobody watched', async () => {
    api.objects.put(THINGS, thing('one'));
    await operator.start();
    await eventually('added', () => operator.events.length === 1);
    api.objects.remove(THINGS, 'a/one', true);
    api.objects.compact();
    api.endWatches('close');
    await eventually('deleted', () => operator.events.includes('DELETED one'), 15_000);
  }).timeout(30_000);

  it('collapses 21 updates of one object while its handler is slow', async () => {
    let finish = () => {};
    let current: unknown = null;
    operator.onEvent = (event) => {
      current = (event.object as { spec?: unknown }).spec;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    api.objects.put(THINGS, thing('one'));
    await operator.start();
    await eventually('first', () => operator.events.length === 1);
    for (let n = 0; n <= 20; n++) api.objects.put(THINGS, thing('one', {}, { n }));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    operator.onEvent = async (event) => {
      current = (event.object as { spec?: unknown }).spec;
    };
    finish();
    await eventually('the newest state', () => JSON.stringify(current) === '{"n":20}');
    expect(operator.events).to.deep.equal(['ADDED one', 'MODIFIED one']);
  });

  it('tries again when a handler rejects, and says so', async () => {
    let failures = 2;
    operator.onEvent = async () => {
      if (failures-- > 0) throw new Error('not yet');
    };
    api.objects.put(THINGS, thing('one'));
    await operator.start();
    await eventually('third attempt', () => operator.events.length === 3);
    expect(log.messages('error')).to.deep.equal(['reconcile failed', 'reconcile failed']);
  });

  it('adds its finalizer beside those of others, acts on deletion, and clears only its own', async () => {
    let cleaned = 0;
    operator.onEvent = async (event) => {
      if (event.type === ResourceEventType.Deleted) return;
      await operator.finalize(event, async () => {
        cleaned += 1;
      });
    };
    api.objects.put(THINGS, thing('one', { finalizers: ['other.dev/x'] }));
    await operator.start();
    const held = () => api.objects.get(THINGS, 'a/one')!.metadata.finalizers;
    await eventually('added', () => held()?.length === 2);
    expect(held()).to.deep.equal(['other.dev/x', FINALIZER]);
    const current = api.objects.get(THINGS, 'a/one')!;
    api.objects.put(THINGS, {
      ...current,
      metadata: { ...current.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    await eventually('cleared', () => held()?.length === 1);
    expect(held()).to.deep.equal(['other.dev/x']);
    // The cache may lag behind an own write: an action runs at least once.
    expect(cleaned).to.be.at.least(1);
  });

  it('never erases a finalizer that it has not seen: the write conflicts and is tried again', async () => {
    let interfered = false;
    operator.onEvent = async (event) => {
      if (!interfered) {
        interfered = true;
        const current = api.objects.get(THINGS, 'a/one')!;
        api.objects.put(THINGS, { ...current, metadata: { ...current.metadata, finalizers: ['late.dev/x'] } }, true);
      }
      await operator.finalize(event, async () => {});
    };
    api.objects.put(THINGS, thing('one'));
    await operator.start();
    await eventually('conflict', () => log.messages('error').length > 0);
    expect(api.objects.get(THINGS, 'a/one')!.metadata.finalizers).to.deep.equal(['late.dev/x']);
  });

  it('stops without an exit, without open watches, after running handlers have ended', async () => {
    let finish = () => {};
    operator.onEvent = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    api.objects.put(THINGS, thing('one'));
    await operator.start();
    await eventually('running', () => operator.events.length === 1);
    let stopped = false;
    const stopping = operator.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stopped, 'waits for the handler').to.equal(false);
    finish();
    await stopping;
    await eventually('no connection is left', () => api.openConnections === 0);
    expect(log.messages('error')).to.deep.equal([]);
  });

  it('applies a definition and waits until it is served; an older one is upgraded', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'weft-definition-'));
    const file = join(directory, 'things.yaml');
    writeFileSync(
      file,
      [
        'apiVersion: apiextensions.k8s.io/v1',
        'kind: CustomResourceDefinition',
        'metadata: {name: things.test.dev}',
        'spec: {group: test.dev, versions: [{name: v1}], names: {plural: things}}',
      ].join('\n'),
    );
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const defining = operator.define(file);
    await eventually('applied', () => api.objects.get(definitions, 'things.test.dev') !== undefined);
    const held = api.objects.get(definitions, 'things.test.dev')!;
    api.objects.put(definitions, { ...held, status: { conditions: [{ type: 'Established', status: 'True' }] } });
    expect(await defining).to.deep.equal({ group: 'test.dev', versions: [{ name: 'v1' }], plural: 'things' });
    expect(api.requests[0]).to.include({ method: 'PATCH', contentType: 'application/apply-patch+yaml' });
    writeFileSync(file, 'kind: ConfigMap\nmetadata: {name: x}');
    const failed = await operator.define(file).catch((error: Error) => error.message);
    expect(failed).to.contain('is not a CustomResourceDefinition');
    rmSync(directory, { recursive: true });
  });

  it('knows the address of its resources', () => {
    expect(operator.uri()).to.equal(`${api.url}/apis/test.dev/v1/namespaces/a/things`);
  });
});
