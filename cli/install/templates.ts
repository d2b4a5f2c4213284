import { parse } from 'yaml';
import type { OperatorRole } from '../../crds/types/operator-role.ts';
import { VIZ_PORT_NAME } from '../../proxy-image/contract/names.ts';
import { accessObjects, SPLIT, WITH_VIZ } from './access.ts';
import { isOperator, VALUES_ANNOTATION } from './installed-operator.ts';
import { noteOf, readManifest, withNotesOf } from './manifest-text.ts';
import { type KubeObject, OURS } from './object.ts';
import { type ControlPlanePart, PARTS, WHOLE } from './parts.ts';
import { SETTINGS, type Setting, type SettingName } from './settings.ts';
import type { Sources } from './sources.ts';
import {
  Choice,
  isSet,
  isTrue,
  Noted,
  not,
  RECORD,
  type Template,
  textOf,
  valueJson,
  valueNumber,
  valueText,
  when,
  whenSet,
} from './template.ts';

/** Objects by the file that they stand in, in the order in which they are applied. */
export interface Templates {
  definitions: readonly TemplateFile[];
  controlPlane: readonly TemplateFile[];
}

export interface TemplateFile {
  /** Without an ending. */
  name: string;
  objects: readonly Template[];
}

/** What comes behind it needs it. */
const NAMESPACE_FILE = 'namespace';
const REPLICAS_HA = 3;
const KEPT = { 'helm.sh/resource-policy': 'keep' } as const;

/** Of the manifests of the tree, with everything open that values decide. */
export function templates({ definitions, controlPlane }: Sources): Templates {
  return {
    definitions: definitions.map((text) => {
      const definition = parse(text) as KubeObject;
      const { name } = definition.metadata;
      const object = template(kept(definition));
      const setting = CRDS_OF_OTHERS.find(([ending]) => name.endsWith(ending))?.[1];
      return { name, objects: [setting === undefined ? object : when(isTrue(setting), object)] };
    }),
    controlPlane: controlPlane.flatMap(({ name, text }) => {
      const file = { name, objects: readManifest(text).flatMap(notedObjects) };
      return name === NAMESPACE_FILE ? [file, { name: 'rbac', objects: accessObjects() }] : [file];
    }),
  };
}

/** Groups whose definitions another program may keep, by the ends of their names. */
const CRDS_OF_OTHERS: readonly (readonly [ending: string, setting: SettingName])[] = [
  ['.linkerd.io', 'crds.linkerd'],
  ['.split.smi-spec.io', 'crds.smi'],
];

/** With a definition all its objects would go: what uninstalls the rest by Helm or Argo CD leaves it. */
function kept(definition: KubeObject): KubeObject {
  const { metadata } = definition;
  return { ...definition, metadata: { ...metadata, annotations: { ...metadata.annotations, ...KEPT } } };
}

/** Where no image is named, images are on the nodes already (`hack/images`). */
function image(name: 'operator' | 'proxy'): Choice {
  return whenSet(`images.${name}`, textOf({ value: 'images.prefix' }, `weft-${name}:`, { value: 'images.tag' }));
}

const IMAGES: Readonly<Record<string, Template>> = {
  'images.operator': image('operator'),
  'images.proxy': image('proxy'),
};

/** With values where a text is `${name.of.a.value}`; without one, the entry is left out. */
function template(content: unknown): Template {
  if (typeof content === 'string') return placed(content);
  if (Array.isArray(content)) return content.map((item, at) => noted(content, at, template(item)));
  if (typeof content !== 'object' || content === null) return content as Template;
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, noted(content, key, template(value))]));
}

/** With the comment that the manifest has before it. */
function noted(holder: object, key: string | number | undefined, content: Template): Template {
  const note = noteOf(holder, key);
  return note === '' ? content : new Noted(note, content);
}

function placed(text: string): Template {
  const name = /^\$\{([\w.]+)\}$/.exec(text)?.[1];
  if (name === undefined) return text;
  if (!isSetting(name)) throw new Error(`${text} is no value of an installation`);
  const { fallback, type }: Setting = SETTINGS[name];
  if (type === 'json') return when(isSet(name), valueJson(name));
  return IMAGES[name] ?? (fallback === undefined ? whenSet(name) : valueText(name));
}

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** What is there for live numbers alone carries this label. */
const VIZ_COMPONENT = ['app.kubernetes.io/component', 'viz'] as const;
const NAME = 'app.kubernetes.io/name';

/** The comment before an object is before the first that is made of it. */
function notedObjects(object: KubeObject): Template[] {
  const [first, ...others] = controlPlaneObject(object);
  return [noted(object, undefined, first!), ...others];
}

function controlPlaneObject(object: KubeObject): Template[] {
  if (isOperator(object)) return deployments(object as unknown as Deployment);
  if (object.kind === 'Namespace') return [when(isTrue('namespace.create'), template(object))];
  if (object.kind === 'PodDisruptionBudget') {
    return [when(isTrue('operator.podDisruptionBudget'), selectingPods(object, 'selector'))];
  }
  if (object.kind === 'NetworkPolicy') {
    return [when(isTrue('networkPolicy.enabled'), selectingPods(object, 'podSelector'))];
  }
  const [key, value] = VIZ_COMPONENT;
  const selecting = serviceOrOther(object);
  return [object.metadata.labels?.[key] === value ? when(WITH_VIZ, selecting) : selecting];
}

/** Pods of all parts: which of them serve a port, the names of their ports say. */
function selector(present: object): Template {
  return when(SPLIT, { [OURS[0]]: OURS[1] }, template(present));
}

function selectingPods(object: KubeObject, field: 'selector' | 'podSelector'): Template {
  const spec = object['spec'] as Record<'selector' | 'podSelector', { matchLabels: object }>;
  const { matchLabels } = spec[field];
  return { ...map(object), spec: { ...map(spec), [field]: { matchLabels: selector(matchLabels) } } };
}

interface Port {
  name: string;
}

function serviceOrOther(object: KubeObject): Template {
  if (object.kind !== 'Service') return template(object);
  const spec = object['spec'] as { ports: Port[]; selector: object };
  const isOfViz = spec.ports.every(({ name }) => name === VIZ_PORT_NAME);
  const ports = isOfViz ? template(spec.ports) : portsOf(spec.ports);
  return { ...map(object), spec: { ...map(spec), selector: selector(spec.selector), ports } };
}

/** Without live numbers nobody listens there. */
function portsOf(ports: readonly Port[]): Template[] {
  return ports.map((port, at) =>
    noted(ports, at, port.name === VIZ_PORT_NAME ? when(WITH_VIZ, template(port)) : template(port)),
  );
}

/** What of the operator's Deployment is set here. */
interface Deployment {
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: { metadata: { labels: Record<string, string> }; spec: { containers: [Container] } };
  };
}

interface Container {
  ports: Port[];
  env: object[];
}

/** One program with all roles, or one for each part. */
function deployments(object: Deployment): Template[] {
  const [first, ...others] = PARTS;
  return [
    when(SPLIT, deployment(object, first!, 'split'), deployment(object, WHOLE, 'whole')),
    ...others.map((part) => when(SPLIT, deployment(object, part, 'split'))),
  ];
}

type Form = 'whole' | 'split';

function deployment(object: Deployment, part: ControlPlanePart, form: Form): Template {
  const renamed = named(object, part.name);
  const { metadata, spec } = renamed;
  const pod = spec.template;
  // For the next installation, and for who compares: on the one that an installation is known by.
  const annotations = when({ type: 'recorded' }, { [VALUES_ANNOTATION]: RECORD });
  return {
    ...map(renamed),
    metadata: { ...map(metadata), ...(part.name === WHOLE.name ? { annotations } : {}) },
    spec: {
      ...map(spec),
      template: {
        ...map(pod),
        spec: {
          ...map(pod.spec),
          containers: [container(pod.spec.containers[0], part, form)],
          topologySpreadConstraints: when(isTrue('ha'), spread(part.name)),
        },
      },
      replicas: new Choice([
        { when: isSet('operator.replicas'), content: valueNumber('operator.replicas') },
        { when: isTrue('ha'), content: REPLICAS_HA },
      ]),
    },
  };
}

/** With the name of a part wherever the manifest has that of the whole: in labels, selectors, and as ServiceAccount. */
function named(object: Deployment, name: string): Deployment {
  const replaced = (content: unknown): unknown => {
    if (Array.isArray(content)) return withNotesOf(content, content.map(replaced));
    if (typeof content !== 'object' || content === null) return content;
    const entries = Object.entries(content).map(([key, value]) => [
      key,
      value === WHOLE.name && [NAME, 'name', 'serviceAccountName'].includes(key) ? name : replaced(value),
    ]);
    return withNotesOf(content, Object.fromEntries(entries) as object);
  };
  return replaced(object) as Deployment;
}

function container(object: Container, { roles }: ControlPlanePart, form: Form): Template {
  // A port that has the name of a role is that role's; the others are everybody's.
  const isOthers = (port: Port) => WHOLE.roles.some((role) => role === port.name && !roles.includes(role));
  const ports = object.ports.filter((port) => !isOthers(port));
  return {
    ...map(object),
    env: [
      ...object.env.map(template),
      when(isSet('operator.logLevel'), { name: 'WEFT_OPERATOR_LOG_LEVEL', value: valueText('operator.logLevel') }),
      rolesVariable(roles, form),
    ],
    ports: portsOf(ports),
  };
}

/** The program has all roles by itself. */
function rolesVariable(roles: readonly OperatorRole[], form: Form): Template {
  const variable = (some: readonly OperatorRole[]) => ({ name: 'WEFT_OPERATOR_ROLES', value: some.join() });
  const withoutViz = roles.filter((role) => role !== 'viz');
  if (form === 'whole') return when(not(WITH_VIZ), variable(withoutViz));
  return withoutViz.length === roles.length ? variable(roles) : when(WITH_VIZ, variable(roles), variable(withoutViz));
}

/** Without the comment before the whole. */
function map(object: object): Readonly<Record<string, Template>> {
  return template(object) as Readonly<Record<string, Template>>;
}

/**
 * Of one revision only (`matchLabelKeys`), so that a new one finds room beside the old one on as many nodes as there are replicas. Nodes that take no pod, such as
 * those of a control plane or in maintenance, are none that lack a replica (`nodeTaintsPolicy`). Zones are wished for: a cluster may have one.
 */
function spread(name: string): Template {
  const constraint = (topologyKey: string, whenUnsatisfiable: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable,
    nodeTaintsPolicy: 'Honor',
    labelSelector: { matchLabels: { [NAME]: name } },
    matchLabelKeys: ['pod-template-hash'],
  });
  return [
    constraint('kubernetes.io/hostname', 'DoNotSchedule'),
    constraint('topology.kubernetes.io/zone', 'ScheduleAnyway'),
  ];
}
