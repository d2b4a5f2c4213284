import { applyFile, applyText, type CustomObject, getJson, kubectl, NAMESPACE, ready, waitReady } from '../kubectl.ts';
import { until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';

const KINDS = 'serviceprofiles,trafficsplits,serverauthorizations,servers,meshes';

const MESH = `apiVersion: weft.dev/v1alpha1
kind: Mesh
metadata: { name: default }
spec: {}
`;

/** One fault per kind that admission lets pass, because it may mend itself later (or needs another object to see it). */
interface Fault {
  resource: string;
  name: string;
  reason: string;
  broken: string;
  mend: () => Promise<unknown>;
}

const metadata = (name: string): string => `metadata: { name: ${name}, namespace: ${NAMESPACE} }`;
const remove =
  (resource: string, name: string): (() => Promise<unknown>) =>
  () =>
    kubectl(['-n', NAMESPACE, 'delete', resource, name]);

const OLDER_SPLIT = `apiVersion: split.smi-spec.io/v1alpha2
kind: TrafficSplit
${metadata('faulty')}
spec: { service: catalog, backends: [{ service: catalog-v1, weight: 1 }, { service: BACKEND, weight: 1 }] }
`;

const PROFILE = `apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
${metadata(`absent.${NAMESPACE}.svc.cluster.local`)}
spec: { routes: [{ name: r, condition: { method: GET } }] }
`;

const ABSENT_SERVICE = `apiVersion: v1
kind: Service
${metadata('absent')}
spec: { selector: { app: stock }, ports: [{ port: 80, targetPort: http }] }
`;

const SERVER = (name: string): string => `apiVersion: policy.linkerd.io/v1beta3
kind: Server
${metadata(name)}
spec: { podSelector: { matchLabels: { app: traffic } }, port: 9999, proxyProtocol: HTTP/1, accessPolicy: all-unauthenticated }
`;

const AUTHORIZATION = `apiVersion: policy.linkerd.io/v1beta1
kind: ServerAuthorization
${metadata('faulty')}
spec: { server: { name: SERVER }, client: { unauthenticated: true } }
`;

const FAULTS: Fault[] = [
  {
    resource: 'trafficsplit',
    name: 'faulty',
    reason: 'DependencyNotReady',
    broken: OLDER_SPLIT.replace('BACKEND', 'nowhere'),
    mend: () => applyText(OLDER_SPLIT.replace('BACKEND', 'catalog-v2')),
  },
  {
    resource: 'serviceprofile',
    name: `absent.${NAMESPACE}.svc.cluster.local`,
    reason: 'DependencyNotReady',
    broken: PROFILE,
    mend: () => applyText(ABSENT_SERVICE),
  },
  {
    resource: 'server',
    name: 'faulty-second',
    reason: 'Conflicted',
    broken: SERVER('faulty-second'),
    mend: remove('server', 'faulty-first'),
  },
  {
    resource: 'serverauthorization',
    name: 'faulty',
    reason: 'DependencyNotReady',
    broken: AUTHORIZATION.replace('SERVER', 'nowhere'),
    mend: () => applyText(AUTHORIZATION.replace('SERVER', 'stock-http')),
  },
  {
    resource: 'mesh',
    name: 'default',
    reason: 'DependencyNotReady',
    broken: MESH.replace(
      'spec: {}',
      'spec: { identity: { issuer: { type: Secret, secretName: linkerd-identity-issuer } } }',
    ),
    mend: () => kubectl(['replace', '-f', '-'], { input: MESH }),
  },
];

async function plant(fault: Fault): Promise<Check[]> {
  await applyText(fault.broken);
  const bad = await waitReady(fault.resource, fault.name, 'False', 5000);
  await fault.mend();
  const good = await waitReady(fault.resource, fault.name, 'True', 5000);
  const fits = bad.reason === fault.reason && bad.ms < 2000;
  return [
    check(
      `${fault.resource}: fault`,
      `Ready False, ${fault.reason}, within 2 s`,
      `${bad.reason} after ${bad.ms.toFixed(0)} ms`,
      fits,
    ),
    check(
      `${fault.resource}: mended`,
      'Ready True within 2 s',
      `${good.reason} after ${good.ms.toFixed(0)} ms`,
      good.ms < 2000,
    ),
  ];
}

async function everythingReady(): Promise<Check> {
  await applyText(MESH);
  await applyFile(
    'samples/canary/split-90-10.yaml',
    'samples/retries/profiles.yaml',
    'samples/timeouts/profile.yaml',
    'samples/authorization/policy.yaml',
  );
  const objects = await until('every object Ready', 10_000, async () => {
    const list = await getJson<{ items: CustomObject[] }>(KINDS, '-A');
    return list.items.every((object) => ready(object)?.status === 'True') ? list.items : null;
  });
  const kinds = new Set(objects.value.map((object) => object.kind));
  return check(
    'objects of the five kinds',
    'all Ready',
    `${objects.value.length} objects of ${kinds.size} kinds Ready after ${objects.ms.toFixed(0)} ms`,
    kinds.size === 5,
  );
}

async function cleanUp(): Promise<void> {
  await applyText(MESH);
  await kubectl(['-n', NAMESPACE, 'delete', 'trafficsplits,servers,serverauthorizations,serviceprofiles', '--all']);
  await kubectl(['-n', NAMESPACE, 'delete', 'service', 'absent', '--ignore-not-found']);
}

export const resources: Step = {
  id: 'b',
  title: 'custom resources with columns and conditions',
  commands: [`kubectl get ${KINDS} -A`],
  async run() {
    await cleanUp();
    const first = await everythingReady();
    console.log(`\n${(await kubectl(['get', KINDS, '-A'])).stdout.trimEnd()}\n`);
    await kubectl(['-n', NAMESPACE, 'delete', 'trafficsplit', 'catalog']);
    await applyText(SERVER('faulty-first'));
    await waitReady('server', 'faulty-first', 'True', 5000);
    // Seconds apart, so that "the older one wins" has an answer: creationTimestamp counts whole seconds.
    await new Promise((done) => setTimeout(done, 1100));
    try {
      return [first, ...(await Promise.all(FAULTS.map(plant))).flat()];
    } finally {
      await cleanUp();
    }
  },
};
