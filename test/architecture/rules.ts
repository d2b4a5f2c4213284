/** Who may import whom (ARCHITECTURE.md). A folder may always import from itself, and from `lib`. The longest matching prefix is a file's folder. */
interface Rule {
  folder: string;
  imports: readonly string[];
  /** Packages and `node:` modules; `*` = any. */
  packages: readonly string[];
}

const ANY = ['*'];

const LIB = 'lib';
/** What is neutral about HTTP sees of a connection: its type, and its write side. */
const NARROW_TRANSPORT = ['proxy-image/io/transport/types.ts', 'proxy-image/io/tcp/outbox.ts'];
/** No codec knows the other. */
const BESIDE_CODECS = [
  'proxy-image/http',
  'proxy-image/io/transport',
  'proxy-image/io/tcp',
  'proxy-image/core',
  'proxy-image/contract',
];

const RULES: readonly Rule[] = [
  { folder: LIB, imports: [], packages: [] },
  { folder: 'proxy-image/contract', imports: [], packages: [] },
  { folder: 'proxy-image/core', imports: ['proxy-image/contract'], packages: ['re2js'] },
  {
    folder: 'proxy-image/http',
    imports: [...NARROW_TRANSPORT, 'proxy-image/core', 'proxy-image/contract'],
    packages: [],
  },
  { folder: 'proxy-image/codec/http1', imports: BESIDE_CODECS, packages: [] },
  { folder: 'proxy-image/codec/http2', imports: BESIDE_CODECS, packages: [] },
  {
    folder: 'proxy-image/codec/bridge',
    imports: ['proxy-image/codec/http1', 'proxy-image/codec/http2', ...BESIDE_CODECS],
    packages: ['node:module'],
  },
  {
    folder: 'proxy-image/io/config-source/kubernetes',
    imports: [
      'proxy-image/io',
      'proxy-image/http',
      'proxy-image/codec',
      'proxy-image/core',
      'proxy-image/contract',
      'crds',
    ],
    packages: ANY,
  },
  {
    folder: 'proxy-image/io',
    imports: ['proxy-image/http', 'proxy-image/codec', 'proxy-image/core', 'proxy-image/contract'],
    packages: ANY,
  },
  {
    folder: 'proxy-image/stack',
    imports: ['proxy-image/io', 'proxy-image/http', 'proxy-image/codec', 'proxy-image/core', 'proxy-image/contract'],
    packages: [],
  },
  { folder: 'proxy-image', imports: ['proxy-image'], packages: ANY },
  {
    folder: 'crds',
    imports: ['proxy-image/contract'],
    packages: ['ajv', 'yaml', 're2js', 'node:fs', 'node:path', 'node:url'],
  },
  { folder: 'crds/types', imports: ['proxy-image/contract'], packages: [] },
  { folder: 'crds/scalars', imports: ['crds/types', 'proxy-image/contract'], packages: ['re2js'] },
  { folder: 'crds/parse', imports: ['crds/types', 'crds/scalars', 'proxy-image/contract'], packages: [] },
  { folder: 'crds/viz', imports: ['proxy-image/contract'], packages: [] },
  { folder: 'crds/state', imports: ['crds/types', 'crds/scalars'], packages: [] },
  {
    folder: 'crds/kinds',
    imports: ['crds/state', 'crds/annotations', 'crds/parse', 'crds/scalars', 'crds/types', 'proxy-image/contract'],
    packages: [],
  },
  { folder: 'webhooks', imports: ['crds', 'proxy-image/contract'], packages: ANY },
  { folder: 'operator/runtime', imports: [], packages: ['node:events', 'node:timers/promises'] },
  { folder: 'operator/kube', imports: ['operator/runtime'], packages: ANY },
  {
    folder: 'operator/telemetry',
    imports: ['operator/runtime', 'proxy-image/contract'],
    packages: ANY,
  },
  ...['reconcilers', 'serve', 'pki', 'status'].map((name) => ({
    folder: `operator/${name}`,
    imports: ['crds', 'proxy-image/contract', 'operator/runtime', 'operator/status'],
    packages: ANY,
  })),
  {
    folder: 'operator/replicas',
    imports: [
      'crds',
      'proxy-image/contract',
      'operator/runtime',
      'operator/status',
      'operator/serve',
      'operator/viz/api/replica-client.ts',
    ],
    packages: ['node:tls'],
  },
  { folder: 'operator/viz', imports: ['crds/viz', 'proxy-image/contract', 'operator/runtime'], packages: [] },
  {
    folder: 'operator/viz/api',
    imports: ['operator/viz', 'crds/viz', 'proxy-image/contract', 'operator/runtime', 'operator/serve/certificate.ts'],
    packages: ANY,
  },
  {
    folder: 'operator/viz/tap',
    imports: [
      'operator/viz/api',
      'operator/viz/proxies',
      'crds',
      'proxy-image/contract',
      'operator/runtime',
      'operator/serve/certificate.ts',
    ],
    packages: ['node:tls'],
  },
  {
    folder: 'operator/viz/proxies',
    imports: [
      'operator/viz/api',
      'crds/viz',
      'proxy-image/contract',
      'operator/serve/certificate.ts',
      'operator/serve/session-report.ts',
    ],
    packages: ['node:tls'],
  },
  { folder: 'operator', imports: ['operator', 'webhooks', 'crds', 'proxy-image/contract'], packages: ANY },
  { folder: 'samples', imports: [], packages: ANY },
  {
    folder: 'hack/packages',
    imports: ['cli/install', 'cli/check', 'proxy-image/contract', 'crds'],
    packages: ANY,
  },
  { folder: 'hack', imports: ['proxy-image/contract', 'crds'], packages: ANY },
  {
    folder: 'cli',
    imports: ['crds', 'proxy-image/core', 'proxy-image/contract', 'webhooks/inject', 'webhooks/configurations.ts'],
    packages: ANY,
  },
  {
    folder: 'test',
    imports: ['proxy-image', 'crds', 'webhooks', 'operator', 'cli', 'samples', 'hack', 'test'],
    packages: ANY,
  },
];

/** Never outside these folders: the Kubernetes client costs 71 MiB where it is loaded, Bun must stay behind the transport. */
const CONFINED: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['operator/kube', 'operator/main.ts', 'test', 'hack', 'cli/cluster'],
  '@dot-i/k8s-operator': ['operator/kube', 'operator/main.ts', 'test'],
  bun: ['proxy-image/io/transport', 'test'],
  'bun:ffi': ['proxy-image/io/transport', 'test'],
  'node:http': ['operator', 'webhooks', 'test', 'samples', 'hack', 'cli/cluster'],
  'node:https': ['operator', 'webhooks', 'test', 'samples', 'hack', 'cli/cluster'],
  'node:http2': ['operator', 'webhooks', 'test', 'samples', 'hack'],
};

function within(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function ruleOf(path: string): Rule | null {
  const matching = RULES.filter((rule) => within(path, rule.folder));
  return matching.sort((a, b) => b.folder.length - a.folder.length)[0] ?? null;
}

export function folderOf(path: string): string {
  return ruleOf(path)?.folder ?? '(no rule)';
}

/** `target` is a path of this tree, or the name of a package or `node:` module. */
export function mayImport(path: string, target: string): boolean {
  const rule = ruleOf(path);
  if (rule === null) return false;
  const isFile = target.endsWith('.ts') || target.endsWith('.json');
  if (isFile) return [rule.folder, LIB, ...rule.imports].some((folder) => within(target, folder));
  const confined = CONFINED[target];
  if (confined !== undefined && !confined.some((folder) => within(path, folder))) return false;
  return rule.packages.includes('*') || rule.packages.includes(target);
}
