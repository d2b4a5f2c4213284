/** What has parts: labels of nodes, tolerations as a pod has them, references by name. */
export type Shape = 'labels' | 'tolerations' | 'references';

/** What can be set of an installation, for the command (`--set`, `--values`) and for the chart alike. */
export interface Setting {
  doc: string;
  /** Of the whole value, as text. */
  pattern: RegExp;
  /** What the pattern asks for, in words. */
  wants: string;
  /** What holds where nothing is said. Without it the field is left out, or somebody else decides. */
  fallback?: string;
  /** What it is in YAML; default a text. */
  type?: 'boolean' | 'number' | 'quantity' | 'json';
  /** Of JSON. */
  shape?: Shape;
  /** Of a number: the smallest and the largest. */
  range?: readonly [number, number];
}

const SWITCH = { pattern: /^(?:true|false)$/, wants: 'true or false', type: 'boolean' } as const;
const IMAGE = {
  pattern: /^[a-z0-9][\w.:/@-]*$/,
  wants: 'a reference of an image, such as registry.example.com/weft-operator:1.0 or …@sha256:…',
} as const;
const QUANTITY = {
  pattern: /^\d+(?:\.\d+)?(?:m|[kMGT]|[KMGT]i)?$/,
  wants: 'a quantity, such as 100m or 128Mi',
  type: 'quantity',
} as const;

const parts = (shape: Shape, wants: string) =>
  ({ pattern: /^[[{]/, wants, fallback: shape === 'labels' ? '{}' : '[]', type: 'json', shape }) as const;

export const SETTINGS = {
  ha: {
    doc: 'as `--ha`: three replicas, no two of them on a node while others have none, nor in a zone where that can be',
    fallback: 'false',
    ...SWITCH,
  },
  'images.prefix': {
    doc: 'what is before the names `weft-operator`, `weft-proxy` and `weft-cli`; a registry ends in `/`',
    pattern: /^(?:[a-z0-9][\w.:/-]*)?$/,
    wants: 'the beginning of a reference, such as registry.example.com/mesh/',
    fallback: 'localhost/',
  },
  'images.tag': {
    doc: 'tag of the images',
    pattern: /^\w[\w.-]{0,127}$/,
    wants: 'a tag: letters, digits, `.`, `-`, `_`',
    fallback: 'dev',
  },
  'images.operator': { doc: "the operator's image as a whole, by digest for example", ...IMAGE },
  'images.proxy': { doc: "the proxy's image as a whole, where the Mesh names none", ...IMAGE },
  'images.cli': { doc: "the command's image as a whole; only `helm test` runs it", ...IMAGE },
  'images.pullPolicy': {
    doc: "of the operator's image",
    pattern: /^(?:Always|IfNotPresent|Never)$/,
    wants: 'Always, IfNotPresent or Never',
    fallback: 'IfNotPresent',
  },
  'images.inputs': {
    doc: 'fingerprint of what the images were made from: another one restarts the operator, though the tag is the same',
    pattern: /^[\w.-]{1,128}$/,
    wants: 'letters, digits, `.`, `-`, `_`',
    fallback: 'unknown',
  },
  'images.pullSecrets': {
    doc: "Secrets of `weft-system` by which the operator's image is pulled, such as `[{name: registry}]`",
    ...parts('references', 'a list of references, such as [{"name":"registry"}]'),
  },
  'namespace.create': {
    doc: 'the namespace `weft-system`, with labels and annotations; `false` where somebody else keeps it',
    fallback: 'true',
    ...SWITCH,
  },
  'namespace.podSecurity': {
    doc: 'the level of the Pod Security Standards that the namespace enforces; the control plane keeps to `restricted`',
    pattern: /^(?:restricted|baseline|privileged)$/,
    wants: 'restricted, baseline or privileged',
    fallback: 'restricted',
  },
  'networkPolicy.enabled': {
    doc: 'a NetworkPolicy that lets in to the control plane who has to come: pods to the ports of proxies, everybody to those of API servers, kubelets and Prometheus',
    fallback: 'false',
    ...SWITCH,
  },
  'viz.enabled': {
    doc: 'live numbers: `false` leaves out the aggregated API with its rights, and no proxy is asked for reports; `weft prune` removes what is left of them',
    fallback: 'true',
    ...SWITCH,
  },
  'crds.linkerd': {
    doc: 'the definitions of `linkerd.io` and `policy.linkerd.io`; `false` where Linkerd keeps them (chart `linkerd-crds`)',
    fallback: 'true',
    ...SWITCH,
  },
  'crds.smi': {
    doc: 'the definition of TrafficSplit; `false` where linkerd-smi keeps it',
    fallback: 'true',
    ...SWITCH,
  },
  'operator.split': {
    doc: 'roles of the operator in Deployments of their own (`weft-operator`: what leads and writes, `weft-config`: what proxies and live numbers need, `weft-identity`, `weft-webhooks`), each with the rights of its roles alone',
    fallback: 'false',
    ...SWITCH,
  },
  'operator.replicas': {
    doc: 'of each Deployment; without it (and without `--ha`) one at first, and then as many as somebody scales it to',
    pattern: /^[1-9]\d?$/,
    wants: 'a number from 1 to 99',
    type: 'number',
    range: [1, 99],
  },
  'operator.logLevel': {
    doc: 'what the operator logs',
    pattern: /^(?:error|warn|info|debug)$/,
    wants: 'error, warn, info or debug',
  },
  'operator.podDisruptionBudget': {
    doc: 'a PodDisruptionBudget, by which a drained node takes one pod of the control plane at a time',
    fallback: 'true',
    ...SWITCH,
  },
  'operator.priorityClassName': {
    doc: 'PriorityClass of the pods of the control plane',
    pattern: /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
    wants: 'a name, such as system-cluster-critical',
    fallback: 'system-cluster-critical',
  },
  'operator.nodeSelector': {
    doc: 'labels of the nodes that may run them; in a file a mapping, with `--set` JSON of one entry',
    ...parts('labels', 'a mapping of labels, such as {"kubernetes.io/os":"linux"}'),
  },
  'operator.tolerations': {
    doc: 'tolerations of the pods, as Kubernetes has them',
    ...parts('tolerations', 'a list of tolerations, such as [{"key":"dedicated","operator":"Exists"}]'),
  },
  'operator.resources.requests.cpu': { doc: 'what a replica asks for', fallback: '100m', ...QUANTITY },
  'operator.resources.requests.memory': { doc: 'what a replica asks for', fallback: '128Mi', ...QUANTITY },
  'operator.resources.limits.cpu': { doc: 'what a replica gets at most', ...QUANTITY },
  'operator.resources.limits.memory': { doc: 'what a replica gets at most', fallback: '1Gi', ...QUANTITY },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
