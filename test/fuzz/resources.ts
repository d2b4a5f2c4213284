/** Fuzzes the readers of what users and the API server write: custom resources and Kubernetes' own objects. Never an exception: a model, or problems with paths. */
import { reduceEndpointSlice } from '../../crds/kinds/endpoint-slice/parse.ts';
import { reduceNamespace } from '../../crds/kinds/namespace/parse.ts';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { reduceService } from '../../crds/kinds/service/parse.ts';
import { CUSTOM, KEPT_WHOLE, loadCorpus, type ManifestObject, parseByKind } from '../golden/corpus.ts';
import { webPod } from '../support/pods.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const MANIFESTS: readonly unknown[] = [...loadCorpus('accepted'), ...loadCorpus('rejected')].map(
  ({ object }) => object,
);

const PROBE = { httpGet: { path: '/live?a=b', port: 'http' } };
const KUBERNETES: readonly unknown[] = [
  webPod({
    metadata: { name: 'web-1', uid: 'u', annotations: { 'config.linkerd.io/opaque-ports': '3306,4000-5000' } },
    spec: {
      nodeName: 'n',
      hostNetwork: false,
      initContainers: [{ name: 'i', restartPolicy: 'Always', ports: [{ containerPort: 1, protocol: 'UDP' }] }],
      containers: [
        { name: 'a', ports: [{ name: 'http', containerPort: 80 }], livenessProbe: PROBE, readinessProbe: PROBE },
      ],
    },
  }),
  {
    metadata: { name: 'web', namespace: 'shop', labels: { a: 'b' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1', 'fd00::1'],
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' }],
    },
  },
  {
    metadata: { name: 'web-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [
      {
        addresses: ['10.0.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'n',
        zone: 'z',
        hints: { forZones: [{ name: 'z' }] },
        targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1' },
      },
    ],
  },
];
const REDUCERS: readonly ((raw: unknown) => unknown)[] = [
  reducePod,
  reduceService,
  reduceEndpointSlice,
  reduceNamespace,
];

export interface FuzzInput {
  manifest: string;
  kind: string;
  object: string;
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    return {
      manifest: this.#mutator.json(this.#mutator.pick(MANIFESTS), 4),
      // Mostly its own; '' = that of the manifest.
      kind: this.#mutator.chance(8) ? this.#mutator.pick(CUSTOM) : '',
      object: this.#mutator.json(this.#mutator.pick(KUBERNETES), 4),
    };
  }
}

export function check({ manifest, kind, object }: FuzzInput): void {
  checkManifest(JSON.parse(manifest), kind);
  const raw: unknown = JSON.parse(object);
  for (const reduce of REDUCERS) JSON.stringify(reduce(raw));
  if ('polluted' in {}) throw new Error('the prototype of all objects is polluted');
}

function checkManifest(value: unknown, kind: string): void {
  const fields: Partial<ManifestObject> = typeof value === 'object' && value !== null ? value : {};
  const own = CUSTOM.find((known) => known === fields.kind) ?? CUSTOM[0]!;
  const object = { ...fields, kind: kind === '' ? own : kind } as ManifestObject;
  const { model, problems } = parseByKind(object);
  const failed = problems.some(({ severity }) => severity === 'error');
  const isSound = KEPT_WHOLE.includes(object.kind) ? (model === null) === failed : model !== null || failed;
  if (!isSound) throw new Error(`model ${model === null ? 'missing' : 'there'}, problems ${JSON.stringify(problems)}`);
  if (problems.length > 101) throw new Error(`${problems.length} problems`);
  for (const { path, message } of problems) {
    if (typeof path !== 'string' || !/\S/.test(message)) throw new Error(`no usable problem: ${path} ${message}`);
    if (/[\p{Cc}]/u.test(path + message)) throw new Error(`control characters in ${JSON.stringify([path, message])}`);
    if (message.length > 1000) throw new Error('a problem that floods a condition');
  }
}

if (import.meta.main) runFromCommandLine('resources', (seed) => new Fuzzer(seed), check);
