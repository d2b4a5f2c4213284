import { expect } from 'chai';
import { installation } from '../../../cli/install/objects.ts';
import { PARTS } from '../../../cli/install/parts.ts';
import { SOURCES } from '../../../cli/install/sources.ts';
import { readConfig } from '../../../operator/config.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { toPem } from '../../../operator/pki/certificate.ts';
import {
  ANCHOR_SECRET,
  CONTROL_SECRET,
  ISSUER_SECRET,
  PUBLISHED_SECRET,
  toSecret,
} from '../../../operator/pki/secrets.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { WeftOperator } from '../../../operator/weft-operator.ts';
import { FakeApiServer, type SeenRequest, statusBody } from '../../fakes/api-server.ts';
import { grantedTo } from '../../integration/operator/audit.ts';
import { eventually } from '../../support/eventually.ts';

const SYSTEM = 'weft-system';
const SECRETS = '/api/v1/secrets';
const DAY_MS = 86_400_000;
const PATIENCE_MS = 15_000;

/** As a rule of RBAC would have to allow it. */
interface Asked {
  account: string;
  right: string;
  name: string;
}

function askedBy({ method, path, query, isWatch, token: account }: SeenRequest): Asked | null {
  const match = /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/[^/]+)?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(
    path,
  );
  if (match === null) return null;
  const [, group = '', resource = '', named = '', subresource = ''] = match;
  const name = named === '' ? (query.get('fieldSelector') ?? '').replace(/^metadata\.name=/, '') : named;
  const reading = isWatch ? 'watch' : named === '' ? 'list' : 'get';
  const verb = { GET: reading, POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method];
  const place = subresource === '' ? resource : `${resource}/${subresource}`;
  return { account, right: `${group} ${place} ${verb}`, name };
}

/** The integration tier does the same at a real API server, with all else that they do. */
describe('roles of the operator in processes of their own, with no right but theirs', function () {
  this.timeout(60_000);
  const { controlPlane } = installation(SOURCES, { 'operator.split': 'true' });
  const granted = new Map(PARTS.map(({ name }) => [name, grantedTo(name, controlPlane)]));
  const api = new FakeApiServer();
  const operators = new Map<string, WeftOperator>();
  const refused: string[] = [];

  before(async () => {
    await api.start();
    api.fault = (request) => {
      const asked = askedBy(request);
      if (asked === null || isGranted(asked)) return null;
      refused.push(`${asked.account}: ${asked.right} ${asked.name}`);
      return { type: 'status', status: 403, body: statusBody(403, 'Forbidden') };
    };
    for (const { name, roles } of PARTS) {
      const ports = ['webhook', 'config', 'identity', 'viz', 'admin'].flatMap((port) => [`--${port}-port`, '0']);
      const flags = [
        '--host',
        '127.0.0.1',
        '--pod-name',
        name,
        '--definitions-dir',
        '',
        '--roles',
        roles.join(),
        '--shutdown-grace-ms',
        '200',
        '--lame-duck-ms',
        '1',
      ];
      const operator = new WeftOperator({
        config: readConfig([...flags, ...ports], {}),
        kubeConfig: api.configure(new PooledKubeConfig(), name),
        log: silentLog,
        onLost: () => {},
      });
      operators.set(name, operator);
      await operator.start();
    }
  });

  after(async () => {
    for (const operator of operators.values()) await operator.stop();
    await api.stop();
  });

  function isGranted({ account, right, name }: Asked): boolean {
    // By a Role of every cluster, to which it is bound.
    if (account === 'weft-config' && name === 'extension-apiserver-authentication') return true;
    return (granted.get(account) ?? []).some((one) => one.right === right && (one.name === '' || one.name === name));
  }

  const asked = () => api.requests.flatMap((request) => askedBy(request) ?? []);
  const until = (account: string, right: string, name: string) =>
    eventually(
      `${account}: ${right} ${name}`,
      () => asked().some((one) => one.account === account && one.right === right && one.name === name),
      PATIENCE_MS,
    );

  it('serve as soon as one leads: what each needs it reads from what that one has written for it', async () => {
    const serves = (part: string, server: string) =>
      eventually(`${part} serves`, () => operators.get(part)!.ports.get(server), PATIENCE_MS);
    await serves('weft-config', 'configuration stream');
    await serves('weft-identity', 'certificate signing');
    await serves('weft-webhooks', 'webhooks');
    await eventually('the aggregated API', () => operators.get('weft-config')!.vizPort, PATIENCE_MS);
    for (const name of [ANCHOR_SECRET, ISSUER_SECRET, PUBLISHED_SECRET, CONTROL_SECRET])
      expect(api.objects.get(SECRETS, `${SYSTEM}/${name}`), name).not.to.equal(undefined);
    expect(refused).to.deep.equal([]);
  });

  it('take an issuer and anchors of others: who signs reads that issuer, and nobody else but the leader', async () => {
    const nowMs = Date.now();
    const anchor = createAnchor('root.of.others', 365 * DAY_MS, nowMs);
    const { type, data } = toSecret(createIssuer(anchor, 'identity.of.others', 30 * DAY_MS, nowMs));
    const text = Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString('base64')]);
    const named = (name: string) => ({ name, namespace: SYSTEM });
    const content = { type, data: Object.fromEntries(text) };
    api.objects.put(SECRETS, { metadata: named('linkerd-identity-issuer'), ...content });
    api.objects.put('/api/v1/configmaps', {
      metadata: named('linkerd-identity-trust-roots'),
      data: { 'ca-bundle.crt': toPem([anchor.certificate]) },
    });
    const identity = { issuer: { type: 'Secret' }, trustAnchors: { configMap: {} } };
    api.objects.put('/apis/weft.dev/v1alpha1/meshes', { metadata: { name: 'default' }, spec: { identity } });
    for (const verb of ['get', 'list', 'watch']) {
      for (const part of ['weft-operator', 'weft-identity'])
        await until(part, ` secrets ${verb}`, 'linkerd-identity-issuer');
      await until('weft-operator', ` configmaps ${verb}`, 'linkerd-identity-trust-roots');
    }
    await until('weft-operator', ' secrets patch', PUBLISHED_SECRET);
    await until('weft-operator', ' secrets patch', CONTROL_SECRET);
    expect(refused).to.deep.equal([]);
  });

  it('have no right to a Secret that they do not use', () => {
    const unused = [...granted].flatMap(([account, rights]) =>
      rights
        .filter(({ right, name }) => / secrets (?:get|list|watch)$/.test(right) && name !== '')
        .filter(
          ({ right, name }) =>
            !asked().some((one) => one.account === account && one.right === right && one.name === name),
        )
        .map(({ right, name }) => `${account}: ${right} ${name}`),
    );
    expect(unused).to.deep.equal([]);
  });
});
