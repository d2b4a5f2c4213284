import { expect } from 'chai';
import type { Finding } from '../../../../cli/check/facts/check.ts';
import type { Scope } from '../../../../cli/check/registry.ts';
import { CATEGORIES } from '../../../../cli/check/registry.ts';
import { createIssuer, createSuccessor } from '../../../../operator/pki/authority.ts';
import { toPem } from '../../../../operator/pki/certificate.ts';
import { ISSUER_SECRET } from '../../../../proxy-image/contract/names.ts';
import { OF_CONTROL_PLANE } from './faults/control-plane.ts';
import { OF_INSTALLATION } from './faults/installation.ts';
import { OF_POLICY } from './faults/policy.ts';
import { OF_WEBHOOKS } from './faults/webhooks.ts';
import { OF_WORKLOADS } from './faults/workloads.ts';
import { healthy, NOW_MS, secret, TRUST, trust, type World } from './world.ts';

const FAULTS = [...OF_CONTROL_PLANE, ...OF_INSTALLATION, ...OF_WEBHOOKS, ...OF_WORKLOADS, ...OF_POLICY];

const DAY_MS = 86_400_000;

function findings(world: World, scope: Scope, namespace: string | null = null): { code: string; finding: Finding }[] {
  return world
    .judge(scope, namespace)
    .flatMap(({ verdicts }) => verdicts)
    .flatMap(({ check, findings: found }) => found.map((finding) => ({ code: check.code, finding })));
}

describe('weft check', () => {
  it('finds nothing on a healthy mesh, whatever is asked for', () => {
    for (const scope of ['pre', 'core', 'proxy'] as const) {
      expect(findings(scope === 'pre' ? beforeInstallation() : healthy(), scope), scope).to.deep.equal([]);
    }
  });

  for (const { title, code, scope = 'proxy', object, reason, remedy, plant, namespace, also = [] } of FAULTS) {
    it(`${code}: ${title}`, () => {
      const world = scope === 'pre' ? beforeInstallation() : healthy();
      plant(world);
      const found = findings(world, scope, namespace ?? null);
      expect([...new Set(found.map((each) => each.code))].sort()).to.deep.equal([code, ...also].sort());
      const { finding } = found.find((each) => each.code === code)!;
      expect(finding.object).to.equal(object);
      expect(finding.reason).to.match(reason);
      expect(finding.remedy).to.match(remedy);
    });
  }

  it('finds nothing wrong with pods of before a rotation: the anchor that they know vouches for the present one', () => {
    const world = healthy();
    const successor = createSuccessor(TRUST.anchor, 'next', 3_650 * DAY_MS, NOW_MS);
    const anchor = { ...successor, anchors: [successor.certificate] };
    const issuer = createIssuer(anchor, 'issuer', 365 * DAY_MS, NOW_MS);
    world.remove('secrets', ISSUER_SECRET).add('secrets', secret(ISSUER_SECRET, issuer));
    expect(findings(world, 'proxy')).to.deep.equal([]);
  });

  it('finds nothing wrong with anchors in a ConfigMap of others, of which one signed the issuer', () => {
    const world = healthy();
    world.set('Mesh.weft.dev', 'default', 'spec.identity', {
      issuer: { type: 'Secret' },
      trustAnchors: { configMap: { name: 'roots', key: 'pem' } },
    });
    const pem = toPem([trust(NOW_MS - DAY_MS).anchor.certificate, TRUST.anchor.certificate]);
    world.add('secrets', secret('linkerd-identity-issuer', TRUST.issuer));
    world.add('anchors', { metadata: { name: 'roots', namespace: 'weft-system' }, data: { pem } });
    expect(findings(world, 'proxy')).to.deep.equal([]);
  });

  it('has a planted fault for every kind of fault that it knows', () => {
    const codes = new Set(
      Object.values(CATEGORIES).flatMap((all) => all.flatMap(({ checks }) => checks.map(({ code }) => code))),
    );
    const planted = new Set(FAULTS.map(({ code }) => code));
    expect([...codes].filter((code) => !planted.has(code))).to.deep.equal(['not-readable']);
  });
});

/** The cluster before anything of Weft is there. */
function beforeInstallation(): World {
  const world = healthy();
  for (const name of ['definitions', 'controlPlane', 'mutatingWebhooks', 'validatingWebhooks'])
    world.objects.set(name, []);
  world.remove('Namespace', 'weft-system');
  return world;
}
