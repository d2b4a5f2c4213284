import { isDnsLabel, isDnsSubdomain } from './name.ts';

/** A Service as users write it; `namespace` and `domain` are empty where the text leaves them out. */
export interface ServiceReference {
  service: string;
  namespace: string;
  domain: string;
}

/** `web`, `web.emojivoto`, `web.emojivoto.svc` or `web.emojivoto.svc.cluster.local` (a final dot is allowed); `null` when the text is none of them. */
export function parseServiceReference(text: string): ServiceReference | null {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (!isDnsSubdomain(name)) return null;
  const [service = '', namespace = '', svc = 'svc', ...domain] = name.split('.');
  if (svc !== 'svc' || !isDnsLabel(service) || (namespace !== '' && !isDnsLabel(namespace))) return null;
  return { service, namespace, domain: domain.join('.') };
}
