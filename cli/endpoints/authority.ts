import { isDnsLabel, isDnsSubdomain } from '../../crds/scalars/name.ts';
import { quote } from '../../crds/scalars/scalar.ts';
import { CliError } from '../errors.ts';

/** A destination as people name it. */
export interface Authority {
  service: string;
  namespace: string;
  /** Behind `svc`; `null` where it is not said. */
  domain: string | null;
  /** `null` = every one. */
  port: number | null;
}

/**
 * `web.shop.svc.cluster.local:80`, and what is left of it from the right: without a namespace the one given, without a port every port.
 * @throws CliError WEFT_CLI_USAGE
 */
export function authorityOf(text: string, ownNamespace: string): Authority {
  const [, host = '', digits] = /^([^:]*)(?::([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const [service = '', namespace = ownNamespace, svc = 'svc', ...rest] = host.replace(/\.$/, '').split('.');
  const domain = rest.length === 0 ? null : rest.join('.');
  const port = digits === undefined ? null : Number(digits);
  const isWellFormed = isDnsLabel(service) && isDnsLabel(namespace) && svc === 'svc' && (port ?? 1) <= 65_535;
  if (isWellFormed && (domain === null || isDnsSubdomain(domain))) return { service, namespace, domain, port };
  const wanted = 'SERVICE.NAMESPACE.svc.cluster.local:PORT is, or its beginning';
  throw new CliError('WEFT_CLI_USAGE', `${quote(text)} is no destination: ${wanted}`);
}
