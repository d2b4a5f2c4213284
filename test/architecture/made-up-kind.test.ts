import { expect } from 'chai';
import { Registry } from 'prom-client';
import { DEFAULT_MESH } from '../../crds/kinds/mesh/parse.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import { ClusterState } from '../../crds/state/cluster-state.ts';
import { recording } from '../../crds/state/recording.ts';
import { OPERATOR_ROLES } from '../../crds/types/operator-role.ts';
import { Informers } from '../../operator/informers.ts';
import { Applier } from '../../operator/kube/apply.ts';
import { EventRecorder } from '../../operator/kube/events.ts';
import { PooledKubeConfig } from '../../operator/kube/kubeconfig.ts';
import { RestClient } from '../../operator/kube/rest.ts';
import { feed } from '../../operator/reconcilers/feed.ts';
import type { MeshFacts } from '../../operator/reconcilers/mesh.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { StatusControllers } from '../../operator/status-controllers.ts';
import { cacheCheck } from '../../operator/telemetry/cache-metrics.ts';
import { RuntimeMetrics } from '../../operator/telemetry/runtime-metrics.ts';
import { statusMetrics } from '../../operator/telemetry/status-metrics.ts';
import { KindFeed } from '../../proxy-image/io/config-source/kubernetes/feed.ts';
import { collectionPath } from '../../proxy-image/io/config-source/kubernetes/kinds.ts';
import { validatorConfiguration } from '../../webhooks/configurations.ts';
import { validate } from '../../webhooks/validate/validate.ts';
import { FakeApiServer, statusBody } from '../fakes/api-server.ts';
import { MemoryLogger } from '../fakes/logger.ts';
import { SERVICES, service } from '../fakes/watching.ts';
import { eventually } from '../support/eventually.ts';
import { GADGET_ROW } from '../support/gadget/kind.ts';
import { gadgetsOf } from '../support/gadget/queries.ts';

const GADGETS = '/apis/toys.example.com/v1/gadgets';
const WITH_GADGETS = [...KINDS, GADGET_ROW];
const STALE_MS = 60_000;

function gadget(name: string, size: unknown = 3) {
  const metadata = { namespace: 'shop', name };
  return { apiVersion: 'toys.example.com/v1', kind: 'Gadget', metadata, spec: { service: 'web', size } };
}

/** The operator as far as it is about kinds, in front of an API server that does not serve gadgets at first. */
class Toys {
  readonly api = new FakeApiServer();
  readonly log = new MemoryLogger();
  readonly state = new ClusterState(WITH_GADGETS);
  readonly #config = new PooledKubeConfig();
  #installed = false;
  #informers: Informers | null = null;
  #status: StatusControllers | null = null;

  async start(): Promise<this> {
    await this.api.start();
    this.api.fault = ({ path }) =>
      path.startsWith('/apis/toys.example.com/') && !this.#installed
        ? { type: 'status', status: 404, body: statusBody(404, 'NotFound') }
        : null;
    const rest = new RestClient(this.api.configure(this.#config));
    const parts = { clock: systemClock, random: () => 0, log: this.log };
    const informers = new Informers(WITH_GADGETS, {
      rest,
      roles: OPERATOR_ROLES,
      ...parts,
      timing: { absentMs: 20, shortWatchMs: 0 },
    });
    const events = new EventRecorder(rest, { controller: 'test', instance: 'test' }, systemClock, this.log);
    const status = new StatusControllers({
      namespace: 'weft-system',
      informers,
      state: this.state,
      applier: new Applier(rest, 'test'),
      events,
      progress: {
        progress: () => ({ proxies: 0, current: 0, behind: [], sinceMs: 0, rejections: [], unseen: '', patienceMs: 0 }),
        forget: () => undefined,
      },
      meshFacts: (): MeshFacts => {
        throw new Error('there is no Mesh');
      },
      statusNotFound: () => {},
      metrics: new RuntimeMetrics(new Registry(), systemClock),
      writes: statusMetrics(new Registry()),
      ...parts,
    });
    for (const row of WITH_GADGETS) {
      const changed = (reads: ReadonlySet<string>) => status.assessments.changed(reads);
      informers.of(row).addHandler(feed(this.state, row, changed), { first: true });
    }
    for (const informer of informers.all) informer.start();
    for (const controller of status.controllers) controller.start();
    this.#informers = informers;
    this.#status = status;
    return this;
  }

  install(): void {
    this.#installed = true;
  }

  uninstall(): void {
    this.#installed = false;
    this.api.endWatches('close');
  }

  /** What `/ready` would say, as far as caches go. */
  get unready(): string[] {
    const checks = this.#informers!.all.map((informer) => cacheCheck(informer, STALE_MS).check());
    return checks.filter((problem) => problem !== null);
  }

  get gadgetsAreAbsent(): boolean {
    return this.#informers!.of(GADGET_ROW).isAbsent;
  }

  /** `Type=Status:reason` of each condition. */
  conditions(name: string): string[] {
    const status = this.api.objects.get(GADGETS, `shop/${name}`)?.['status'];
    const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string; reason: string }[] };
    return conditions.map(({ type, status: value, reason }) => `${type}=${value}:${reason}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers?.all.map((informer) => informer.stop()) ?? []);
    await Promise.all(this.#status?.controllers.map((controller) => controller.drain()) ?? []);
    await this.#config.close();
    await this.api.stop();
  }
}

describe('a made-up kind, by one row and one folder', function () {
  this.timeout(20_000);
  let toys: Toys;

  beforeEach(async () => {
    toys = await new Toys().start();
  });

  afterEach(() => toys.stop());

  it('keeps nothing waiting while its definition is missing, and is there once it is installed', async () => {
    await eventually('ready without it', () => toys.unready.length === 0);
    expect(toys.gadgetsAreAbsent).to.equal(true);
    expect(toys.state.position(), 'every kind that is served has been seen').to.equal(toys.api.objects.version);
    expect(toys.log.messages('warn')).to.deep.equal([]);
    toys.api.objects.put(GADGETS, gadget('a'));
    toys.install();
    await eventually('seen', () => gadgetsOf(toys.state, 'shop', 'web').length === 1);
    expect(toys.gadgetsAreAbsent).to.equal(false);
    expect(toys.unready).to.deep.equal([]);
  });

  it('keeps its last state when its definition goes, and follows it again when it comes back', async () => {
    toys.install();
    toys.api.objects.put(GADGETS, gadget('a'));
    await eventually('seen', () => gadgetsOf(toys.state, 'shop', 'web').length === 1);
    toys.uninstall();
    await eventually('gone', () => toys.gadgetsAreAbsent);
    expect(gadgetsOf(toys.state, 'shop', 'web')).to.have.length(1);
    expect(toys.unready).to.deep.equal([]);
    toys.api.objects.remove(GADGETS, 'shop/a');
    toys.api.objects.put(GADGETS, gadget('b'));
    toys.install();
    await eventually('followed again', () => gadgetsOf(toys.state, 'shop', 'web')[0]?.meta.name === 'b');
    expect(gadgetsOf(toys.state, 'shop', 'web')).to.have.length(1);
  });

  it('is stored, read, counted, and touches what read it', async () => {
    toys.install();
    toys.api.objects.put(GADGETS, gadget('a'));
    const { version } = toys.api.objects;
    await eventually('seen', () => gadgetsOf(toys.state, 'shop', 'web').length === 1);
    const record = recording(toys.state);
    expect(gadgetsOf(record.view, 'shop', 'web').map(({ size }) => size)).to.deep.equal([3]);
    expect([...record.reads]).to.deep.equal(['Gadget.toys.example.com#ofService/shop/web']);
    expect([...record.uses]).to.deep.equal(['Gadget.toys.example.com/shop/a']);
    // Its status may have been written meanwhile.
    expect(record.sources()).to.be.oneOf([version, toys.api.objects.version]);
  });

  it('has conditions, which follow what its assessment read', async () => {
    toys.install();
    toys.api.objects.put(GADGETS, gadget('a'));
    await eventually('looked at', () => toys.conditions('a').includes('ResolvedRefs=False:ServiceNotFound'));
    toys.api.objects.put(SERVICES, service('web'));
    await eventually('looked at again', () => toys.conditions('a').includes('Ready=True:Succeeded'));
    expect(toys.api.objects.get(GADGETS, 'shop/a')!['status']).to.include({ size: 3, proxies: '0/0' });
    toys.api.objects.put(GADGETS, gadget('a', 0));
    await eventually('found invalid', () => toys.conditions('a').includes('Accepted=False:Invalid'));
    expect(
      gadgetsOf(toys.state, 'shop', 'web').map(({ size }) => size),
      'last good state',
    ).to.deep.equal([3]);
  });

  it('is judged by the webhook, which the API server is told to ask', () => {
    const request = (size: unknown) => ({
      ...{ uid: 'u', operation: 'CREATE' as const, group: 'toys.example.com', version: 'v1', kind: 'Gadget' },
      ...{ namespace: 'shop', name: 'a', dryRun: false, object: gadget('a', size), oldObject: null },
    });
    expect(validate(request(3), WITH_GADGETS).allowed).to.equal(true);
    const { allowed, problems } = validate(request(0), WITH_GADGETS);
    expect({ allowed, path: problems[0]?.path }).to.deep.equal({ allowed: false, path: 'spec.size' });
    const input = { mesh: DEFAULT_MESH, caBundlePem: 'x', client: { type: 'service' as const } };
    const [entry] = validatorConfiguration({ ...input, otherInjector: false, owner: null }, WITH_GADGETS).webhooks;
    expect(entry.rules.flatMap(({ resources }) => resources)).to.include('gadgets');
  });

  it('is fed in direct mode as in the operator', () => {
    const state = new ClusterState(WITH_GADGETS);
    const told: string[] = [];
    const fed = new KindFeed(GADGET_ROW, state, {
      touched: (reads) => told.push(...reads),
      listed: ({ id }) => told.push(id),
    });
    expect(collectionPath(GADGET_ROW)).to.equal(GADGETS);
    fed.absent();
    fed.stored({ ...gadget('a'), metadata: { ...gadget('a').metadata, uid: 'u', resourceVersion: '7' } });
    expect(gadgetsOf(state, 'shop', 'web')).to.have.length(1);
    expect(told).to.include.members(['Gadget.toys.example.com', 'Gadget.toys.example.com#ofService/shop/web']);
  });
});
