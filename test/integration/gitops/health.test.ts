import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { stampConditions } from '../../../operator/status/condition.ts';
import { type Verdict as Outcome, observedGeneration, readiness } from '../../../operator/status/verdict.ts';
import { kstatus as ourKstatus } from '../../support/kstatus.ts';
import { HEALTH_DIRECTORY, shippedChecks } from './checks.ts';
import { BUILD_LIMIT_MS, type Health, Judge, type Verdict } from './judge.ts';

interface HealthTest {
  inputPath: string;
  healthStatus: Verdict;
}

const OUTCOMES: Outcome[] = [
  { outcome: 'progressing' },
  { outcome: 'ready', message: 'done' },
  { outcome: 'waiting', message: 'something is missing' },
  { outcome: 'invalid', reason: 'Invalid', message: 'spec.service: is required' },
  { outcome: 'conflicted', message: 'another one takes its place' },
  { outcome: 'failed', reason: 'InternalError', message: 'of ours' },
];

/** [kstatus, Argo CD] of an object whose present generation has been looked at. */
const EXPECTED: Record<Outcome['outcome'], [string, string]> = {
  progressing: ['InProgress', 'Progressing'],
  ready: ['Current', 'Healthy'],
  waiting: ['InProgress', 'Progressing'],
  invalid: ['Failed', 'Degraded'],
  conflicted: ['Failed', 'Degraded'],
  failed: ['InProgress', 'Progressing'],
};

/** A status as the operator writes it. */
function statusOf(verdict: Outcome, generation: number, before = -1) {
  return {
    observedGeneration: observedGeneration(verdict, generation, before),
    conditions: stampConditions(readiness(verdict), [], generation, 0),
  };
}

function split(generation: number, status: object | undefined, metadata: object = {}) {
  return {
    apiVersion: 'split.smi-spec.io/v1alpha2',
    kind: 'TrafficSplit',
    metadata: { name: 'web', namespace: 'shop', generation, ...metadata },
    spec: { service: 'web', backends: [] },
    ...(status === undefined ? {} : { status }),
  };
}

describe('health, as GitOps tools judge it', function () {
  this.timeout(BUILD_LIMIT_MS);
  const checks = shippedChecks();
  let judge: Judge<Health>;

  before(async () => {
    judge = await Judge.start<Health>('health', checks);
  });
  after(() => judge.stop());

  const { tests } = parse(readFileSync(path.join(HEALTH_DIRECTORY, 'health_test.yaml'), 'utf8')) as {
    tests: HealthTest[];
  };
  for (const { inputPath, healthStatus } of tests) {
    it(`Argo CD's Lua: ${path.basename(inputPath, '.yaml')} is ${healthStatus.status}`, async () => {
      const { argo } = await judge.ask(parse(readFileSync(path.join(HEALTH_DIRECTORY, inputPath), 'utf8')));
      expect(argo).to.deep.equal(healthStatus);
    });
  }

  for (const verdict of OUTCOMES) {
    const [kstatus, argo] = EXPECTED[verdict.outcome];
    it(`what the operator writes of "${verdict.outcome}" is ${kstatus} and ${argo}`, async () => {
      const object = split(3, statusOf(verdict, 3));
      const health = await judge.ask(object);
      expect([health.kstatus.status, health.flux.status, health.argo?.status]).to.deep.equal([kstatus, kstatus, argo]);
      expect(ourKstatus(object), 'our own reading of its rules').to.equal(kstatus);
    });

    it(`"${verdict.outcome}" of an earlier generation is never healthy`, async () => {
      const health = await judge.ask(split(4, statusOf(verdict, 3, 2)));
      expect([health.kstatus.status, health.argo?.status]).to.deep.equal(['InProgress', 'Progressing']);
    });
  }

  it('a Mesh is current where pods have no proxy: nobody waits for restarts that were not asked for', async () => {
    const file = path.join(HEALTH_DIRECTORY, 'testdata/mesh-without-proxies.yaml');
    const { kstatus, flux } = await judge.ask(parse(readFileSync(file, 'utf8')));
    expect([kstatus.status, flux.status]).to.deep.equal(['Current', 'Current']);
  });

  it('an object that is being deleted is not healthy', async () => {
    const ready = statusOf({ outcome: 'ready', message: 'done' }, 1);
    const health = await judge.ask(split(1, ready, { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    expect([health.kstatus.status, health.argo?.status]).to.deep.equal(['Terminating', 'Progressing']);
  });

  it('every kind whose status is ours has a check for Argo CD, and every form of route an expression for Flux', () => {
    const ours = KINDS.filter(({ status }) => status.form !== 'none');
    const kinds = ours.map(({ group, kind }) => `${group}/${kind}`);
    expect(Object.keys(checks.lua)).to.have.members([...kinds, 'argoproj.io/Application']);
    const routes = ours.filter(({ status }) => status.form === 'parents');
    const groupOf = (version: string) => version.split('/')[0];
    expect(checks.healthCheckExprs.map(({ apiVersion, kind }) => `${groupOf(apiVersion)}/${kind}`)).to.have.members(
      routes.map(({ group, kind }) => `${group}/${kind}`),
    );
  });

  describe('of routes, which kstatus knows nothing of', () => {
    const EXPRESSED: Record<string, string> = {
      'route-accepted': 'Current',
      'route-changed': 'InProgress',
      'route-no-parent': 'InProgress',
      'route-overruled': 'Failed',
      'route-dropped-rule': 'Failed',
      'route-gateway-first': 'InProgress',
    };
    for (const [name, status] of Object.entries(EXPRESSED)) {
      it(`Flux' expressions: ${name} is ${status}`, async () => {
        const { flux } = await judge.ask(
          parse(readFileSync(path.join(HEALTH_DIRECTORY, `testdata/${name}.yaml`), 'utf8')),
        );
        expect(flux.status).to.equal(status);
      });
    }

    it("Flux' expressions: a route that nobody has looked at is not healthy", async () => {
      const raw = parse(readFileSync(path.join(HEALTH_DIRECTORY, 'testdata/route-new.yaml'), 'utf8'));
      expect((await judge.ask(raw)).flux.status).to.equal('Unknown');
      expect((await judge.ask({ ...raw, status: { parents: [] } })).flux.status).to.equal('InProgress');
    });
  });
});
