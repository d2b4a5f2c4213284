import type { Values } from '../../../cli/install/values.ts';

/** Every combination of what changes which objects and fields there are. */
const SWITCHES: readonly (readonly Values[])[] = [
  [{}, { ha: 'true' }],
  [{}, { 'viz.enabled': 'false' }],
  [{}, { 'operator.replicas': '5' }],
  [{}, { 'operator.split': 'true', 'networkPolicy.enabled': 'true' }],
  [{}, { 'namespace.create': 'false' }],
];

/** What stands in the place of another, one by one and all at once. */
const DIGEST = 'sha256:7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069';
const REPLACED: readonly Values[] = [
  {
    'images.pullSecrets': '[{"name":"registry"}]',
    'operator.nodeSelector': '{"disk":"ssd","kubernetes.io/os":"linux"}',
  },
  {
    'operator.tolerations':
      '[{"effect":"NoExecute","key":"a","operator":"Exists","tolerationSeconds":60},{"key":"b","operator":"Equal","value":"1"}]',
  },
  {
    'namespace.podSecurity': 'baseline',
    'operator.priorityClassName': 'mesh',
    'operator.podDisruptionBudget': 'false',
  },
  { 'images.prefix': 'registry.example.com/mesh/', 'images.tag': '1.10' },
  { 'images.prefix': '', 'images.operator': `registry.example.com/weft-operator@${DIGEST}` },
  { 'images.proxy': `registry.example.com/weft-proxy@${DIGEST}`, 'images.pullPolicy': 'Always' },
  { 'images.inputs': '1', 'operator.logLevel': 'debug', 'images.cli': 'registry.example.com/weft-cli:1' },
  {
    'operator.resources.requests.cpu': '2',
    'operator.resources.requests.memory': '1Gi',
    'operator.resources.limits.cpu': '500m',
    'operator.resources.limits.memory': '2Gi',
  },
];

/** Of the chart of the definitions. */
export const DEFINITIONS: readonly Values[] = [{}, { 'crds.linkerd': 'false' }, { 'crds.smi': 'false' }];

export const MATRIX: readonly Values[] = [
  ...SWITCHES.reduce<Values[]>(
    (all, choices) => all.flatMap((values) => choices.map((choice) => ({ ...values, ...choice }))),
    [{}],
  ),
  ...REPLACED,
  Object.assign({}, ...REPLACED) as Values,
];
