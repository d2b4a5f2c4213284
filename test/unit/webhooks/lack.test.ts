import { expect } from 'chai';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { reduceNamespace } from '../../../crds/kinds/namespace/parse.ts';
import { reducePod } from '../../../crds/kinds/pod/parse.ts';
import { type Lack, lackOf, lackText } from '../../../webhooks/inject/lack.ts';
import { injectorReach } from '../../../webhooks/inject/reach.ts';
import { restartOf } from '../../../webhooks/inject/restart.ts';
import { injected, meshWith, webPod } from '../../support/pods.ts';

type Raw = Record<string, unknown>;

const INJECT = 'linkerd.io/inject';
const CREATED = '2026-06-01T12:00:00Z';
const CREATED_MS = Date.parse(CREATED);
const BEFORE = '2026-06-01T11:00:00Z';
const LATER_MS = CREATED_MS + 60_000;

function written(...entries: [time: string, subresource?: string][]): Raw {
  return {
    managedFields: entries.map(([time, subresource]) => ({
      manager: 'somebody',
      time,
      ...(subresource === undefined ? {} : { subresource }),
    })),
  };
}

interface Given {
  /** Fields of the pod's metadata, spec and status. */
  metadata?: Raw;
  spec?: Raw;
  status?: Raw;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  /** Metadata of the namespace. */
  namespace?: Raw;
  nowMs?: number;
  reach?: ReturnType<typeof injectorReach>;
}

function lack(given: Given = {}): Lack | null {
  const { annotations = { [INJECT]: 'enabled' }, labels = {}, nowMs = LATER_MS } = given;
  const { reach = injectorReach(DEFAULT_MESH, false) } = given;
  const raw = webPod({
    metadata: { name: 'web-1', creationTimestamp: CREATED, ...written([CREATED]), ...given.metadata },
    spec: given.spec ?? {},
  });
  const namespace = { name: 'shop', annotations, labels: { 'kubernetes.io/metadata.name': 'shop', ...labels } };
  return lackOf(
    reducePod({ ...raw, status: given.status ?? { phase: 'Running' } }),
    reduceNamespace({ metadata: { ...namespace, ...written([BEFORE]), ...given.namespace } }),
    { reach, writtenAt: BEFORE },
    nowMs,
  );
}

const MISSED: Lack = { annotationAt: 'namespace', cause: 'missed', graceLeftMs: 0 };

describe('a pod without a proxy', () => {
  const FINE: [title: string, given: Given][] = [
    ['nobody has asked for one', { annotations: {} }],
    ['the pod does not want one', { metadata: { annotations: { [INJECT]: 'disabled' } } }],
    ['its annotation cannot be understood', { metadata: { annotations: { [INJECT]: 'yes' } } }],
    ['the annotation of its namespace cannot', { annotations: { [INJECT]: 'yes' } }],
    ['it is on the network of its node', { spec: { hostNetwork: true } }],
    ['its namespace forbids what redirection needs', { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } }],
    ['it has a proxy of another mesh', { spec: { containers: [{ name: 'istio-proxy' }] } }],
    ['it is the mirror of a static pod', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } }],
    ['it is for Windows', { spec: { os: { name: 'windows' }, containers: [{ name: 'app' }] } }],
    ['it has ended', { status: { phase: 'Succeeded' } }],
    ['it has failed', { status: { phase: 'Failed' } }],
    ['it ends', { metadata: { deletionTimestamp: CREATED } }],
    ['its namespace keeps webhooks away', { labels: { 'config.linkerd.io/admission-webhooks': 'disabled' } }],
    ['it is of the control plane', { namespace: { labels: { 'kubernetes.io/metadata.name': 'weft-system' } } }],
    ["it is of Linkerd's control plane", { metadata: { labels: { 'linkerd.io/control-plane-component': 'proxy' } } }],
    ['another injector is there, and its namespace is not ours', { reach: injectorReach(DEFAULT_MESH, true) }],
    [
      'the repair of a mesh needs it',
      {
        reach: injectorReach(meshWith({}, { injection: { ...DEFAULT_MESH.injection, failurePolicy: 'Fail' } }), false),
        namespace: { labels: { 'kubernetes.io/metadata.name': 'argocd' } },
      },
    ],
  ];
  for (const [title, given] of FINE) {
    it(`is as it should be where ${title}`, () => expect(lack(given)).to.equal(null));
  }

  it('was missed by the injector where nothing that asks for one has changed since before it was made', () => {
    expect(lack()).to.deep.equal(MISSED);
    expect(lack({ metadata: { annotations: { [INJECT]: 'enabled' } } })).to.deep.equal({
      ...MISSED,
      annotationAt: 'workload',
    });
  });

  const PERHAPS: [title: string, given: Given][] = [
    ['its namespace was changed after it', { namespace: written([BEFORE], ['2026-06-01T12:30:00Z']) }],
    ['its namespace was changed within the same second', { namespace: written([CREATED]) }],
    ['nobody knows when its namespace was changed', { namespace: { managedFields: [] } }],
    ['one of the times is missing', { namespace: { managedFields: [{ manager: 'old' }, { time: BEFORE }] } }],
    [
      'it was given the annotation itself later',
      { metadata: { annotations: { [INJECT]: 'enabled' }, ...written([CREATED], ['2026-06-01T12:00:09Z']) } },
    ],
  ];
  for (const [title, given] of PERHAPS) {
    it(`may have been there before one was asked for where ${title}`, () => {
      expect(lack(given)).to.include({ cause: 'perhaps-older', graceLeftMs: 0 });
    });
  }

  it('is judged by what was written, not by statuses', () => {
    const isLater: [string, string] = ['2026-06-01T12:30:00Z', 'status'];
    expect(lack({ namespace: written([BEFORE], isLater) })).to.deep.equal(MISSED);
    const metadata = { annotations: { [INJECT]: 'enabled' }, ...written([CREATED], isLater) };
    expect(lack({ metadata })).to.include({ cause: 'missed' });
  });

  it('counts some seconds after it was made, also by a clock that is behind', () => {
    expect(lack({ nowMs: CREATED_MS + 1_000 })!.graceLeftMs).to.equal(10_000);
    expect(lack({ nowMs: CREATED_MS + 11_000 })!.graceLeftMs).to.equal(0);
    expect(lack({ nowMs: CREATED_MS - 3_600_000 })!.graceLeftMs).to.equal(11_000);
    expect(lack({ metadata: { creationTimestamp: undefined } })!.graceLeftMs).to.equal(0);
  });

  it('is none once it was injected', () => {
    const { pod } = injected();
    const namespace = reduceNamespace({ metadata: { name: 'shop', annotations: { [INJECT]: 'enabled' } } });
    const injector = { reach: injectorReach(DEFAULT_MESH, false), writtenAt: '' };
    expect(lackOf(reducePod(pod), namespace, injector, LATER_MS)).to.equal(null);
  });

  it('is told of with what is known of its age, and what makes it anew', () => {
    expect(lackText(MISSED)).to.match(/annotation of its namespace asks for; .* not reached, or failed/);
    expect(lackText({ ...MISSED, cause: 'perhaps-older' })).to.match(/may have been made before/);
    const owner = (kind: string) => ({ ownerReferences: [{ kind, name: 'db', controller: true }] });
    const commands = [{}, owner('StatefulSet'), owner('Job'), { ownerReferences: [] }].map((metadata) =>
      restartOf(reducePod(webPod({ metadata: { name: 'p', namespace: 'shop', ...metadata } }))),
    );
    expect(commands).to.deep.equal([
      'kubectl -n shop rollout restart deployment/web',
      'kubectl -n shop rollout restart statefulset/db',
      'kubectl -n shop delete pod p',
      'kubectl -n shop get pod p -o yaml | kubectl replace --force -f -',
    ]);
  });
});
