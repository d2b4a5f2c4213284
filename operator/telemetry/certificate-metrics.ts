import { Counter, Gauge, type Registry } from 'prom-client';

/** `control` is what the operator proves to proxies with, `webhook` what it shows to the API server. */
const CERTIFICATE_NAMES = ['anchor', 'issuer', 'webhook-ca', 'webhook', 'control'] as const;
export type CertificateName = (typeof CERTIFICATE_NAMES)[number];

/** Times in milliseconds since the epoch; `renewAtMs` is null where somebody else renews. */
export interface CertificateDates {
  name: CertificateName;
  notAfterMs: number;
  renewAtMs: number | null;
}

/** Dates are read at each scrape; counters exist from now on with value zero. */
export function registerCertificateMetrics(
  registry: Registry,
  dates: () => readonly CertificateDates[],
  wallMs: () => number,
): { renewed(name: CertificateName): void; failed(name: CertificateName): void } {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (one: CertificateDates) => number | null) => {
    const metric: Gauge<'certificate'> = new Gauge({
      name,
      help,
      labelNames: ['certificate'],
      registers,
      collect() {
        metric.reset();
        for (const one of dates()) {
          const ms = read(one);
          if (ms !== null) metric.set({ certificate: one.name }, ms / 1000);
        }
      },
    });
  };
  gauge('weft_certificate_expiry_timestamp_seconds', 'When a certificate ends.', (one) => one.notAfterMs);
  gauge('weft_certificate_renewal_timestamp_seconds', 'When it is due for renewal.', (one) => one.renewAtMs);
  // Linkerd's identity controller; gone while there is no issuer.
  const ttl: Gauge = new Gauge({
    name: 'issuer_cert_ttl_seconds',
    help: 'Time until the issuer ends.',
    registers,
    collect() {
      ttl.reset();
      const issuer = dates().find(({ name }) => name === 'issuer');
      if (issuer !== undefined) ttl.set(Math.max(0, (issuer.notAfterMs - wallMs()) / 1000));
      else ttl.remove();
    },
  });
  const counter = (name: string, help: string) => {
    const metric = new Counter({ name, help, labelNames: ['certificate'], registers });
    for (const certificate of CERTIFICATE_NAMES) metric.inc({ certificate }, 0);
    return (certificate: CertificateName) => metric.inc({ certificate });
  };
  return {
    renewed: counter('weft_certificate_renewals_total', 'Certificates replaced by this replica, the first included.'),
    failed: counter('weft_certificate_renewal_failures_total', 'Replacements that were due and failed.'),
  };
}
