import { child, listOf, textOf } from '../../crds/parse/metadata.ts';

/** Our own is no stranger. */
const OWN_PREFIX = 'weft-';
/** Linkerd's webhook is called `linkerd-proxy-injector.linkerd.io`; extensions' own (`jaeger-injector`, `tap-injector`) inject no proxy. */
const INJECTOR = /(^|[.-])proxy-injector[.-](.*\.)?linkerd\.io$/;

/** Whether a MutatingWebhookConfiguration belongs to another injector for `linkerd.io/inject`. */
export function isOtherInjector(configuration: unknown): boolean {
  const name = textOf(child(configuration, 'metadata'), 'name');
  if (name.startsWith(OWN_PREFIX)) return false;
  return listOf(configuration, 'webhooks').some(
    (webhook) => INJECTOR.test(textOf(webhook, 'name')) && listOf(webhook, 'rules').some(isPodCreation),
  );
}

function isPodCreation(rule: unknown): boolean {
  return hasAny(rule, 'resources', ['pods', '*', '*/*']) && hasAny(rule, 'operations', ['CREATE', '*']);
}

function hasAny(rule: unknown, field: string, wanted: readonly string[]): boolean {
  return listOf(rule, field).some((value) => wanted.includes(String(value)));
}
