import type { X509Certificate } from 'node:crypto';

/** What people look for in a certificate. */
export interface CertificateDescription {
  subject: string;
  /** `DNS:…`, `URI:…` */
  subjectAlternativeNames: readonly string[];
  issuer: string;
  serialNumber: string;
  key: string;
  /** ISO 8601. */
  notBefore: string;
  notAfter: string;
  sha256: string;
  pem: string;
}

export function describe(certificate: X509Certificate): CertificateDescription {
  const { subject, issuer, subjectAltName, serialNumber, publicKey, validFrom, validTo, fingerprint256 } = certificate;
  const curve = publicKey.asymmetricKeyDetails?.namedCurve;
  return {
    subject: oneLine(subject),
    subjectAlternativeNames: (subjectAltName ?? '').split(', ').filter((name) => name !== ''),
    issuer: oneLine(issuer),
    serialNumber,
    key: `${publicKey.asymmetricKeyType ?? 'unknown'}${curve === undefined ? '' : ` ${curve}`}`,
    notBefore: isoOf(validFrom),
    notAfter: isoOf(validTo),
    sha256: fingerprint256,
    pem: certificate.toString(),
  };
}

/** A distinguished name has a line for each of its parts. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

function isoOf(date: string): string {
  return new Date(date).toISOString().replace('.000Z', 'Z');
}

/** What is wrong with what a proxy has shown; nobody who verifies it would take it then. */
export function faultsOf(chain: readonly X509Certificate[], identity: string, nowMs: number): string[] {
  const faults: string[] = [];
  for (const certificate of chain) {
    const { subject, notBefore, notAfter } = describe(certificate);
    if (Date.parse(notBefore) > nowMs) faults.push(`${subject} is not valid before ${notBefore}`);
    if (Date.parse(notAfter) < nowMs) faults.push(`${subject} has expired at ${notAfter}`);
  }
  const [leaf, issuer] = chain;
  if (leaf === undefined) return ['there is no certificate'];
  const { subject, subjectAlternativeNames: names } = describe(leaf);
  if (names.length !== 1 || names[0] !== `DNS:${identity}`) {
    faults.push(`its name is ${names.join(', ') || 'absent'}, and DNS:${identity} is expected of its ServiceAccount`);
  }
  if (issuer === undefined) faults.push(`${subject || 'the certificate'} stands alone: no issuer vouches for it`);
  return faults;
}

/** For people, with the certificate itself behind it. */
export function textOf(certificate: X509Certificate, nowMs: number): string {
  const described = describe(certificate);
  const rows: readonly (readonly [string, string])[] = [
    ['Subject', described.subject],
    ['SAN', described.subjectAlternativeNames.join(', ') || '-'],
    ['Issuer', described.issuer],
    ['Serial', described.serialNumber],
    ['Key', described.key],
    ['Not before', described.notBefore],
    ['Not after', `${described.notAfter} (${distance(Date.parse(described.notAfter) - nowMs)})`],
    ['SHA-256', described.sha256],
  ];
  return `${rows.map(([name, value]) => `${`${name}:`.padEnd(12)} ${value}`).join('\n')}\n${described.pem}`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** In the largest unit of which there are two, so that it says enough to act on. */
function distance(ms: number): string {
  const length = Math.abs(ms);
  const [unit, unitMs] = UNITS.find(([, each]) => length >= 2 * each) ?? UNITS[3];
  const text = `${Math.floor(length / unitMs)}${unit}`;
  return ms < 0 ? `${text} ago` : `in ${text}`;
}
