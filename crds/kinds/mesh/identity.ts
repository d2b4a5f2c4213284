import type { Fields } from '../../parse/fields.ts';
import { formatDuration, parseDuration } from '../../scalars/duration.ts';
import { isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import type { MeshModel } from './model.ts';

type Identity = MeshModel['identity'];

/** Proxies renew at 70 % of a certificate's life, at most every few seconds. */
const MIN_LIFETIME_MS = 10_000;
/** `Secret` without a name is this one, as cert-manager users of Linkerd have it. */
const DEFAULT_ISSUER_SECRET = 'linkerd-identity-issuer';

/** Target of the Bundle that Linkerd's documentation has trust-manager write (`identity.externalCA`). */
const DEFAULT_ANCHORS = { name: 'linkerd-identity-trust-roots', key: 'ca-bundle.crt' };
/** Kubernetes: keys of a ConfigMap. */
const CONFIG_MAP_KEY = /^[-._a-zA-Z0-9]{1,253}$/;
/** What dates, versions and counts are written with. */
const ROTATION_VALUE = /^[A-Za-z0-9._:+-]{1,64}$/;

export function parseMeshIdentity(identity: Fields | null, fallback: Identity): Identity {
  if (identity === null) return fallback;
  identity.closed([
    'suffix',
    'issuer',
    'trustAnchors',
    'certificateLifetime',
    'issuerLifetime',
    'anchorLifetime',
    'rotation',
    'required',
  ]);
  const lifetimes = {
    certificateLifetimeMs: parseLifetime(identity, 'certificateLifetime', fallback.certificateLifetimeMs),
    anchorLifetimeMs: parseLifetime(identity, 'anchorLifetime', fallback.anchorLifetimeMs),
    issuerLifetimeMs: parseLifetime(identity, 'issuerLifetime', fallback.issuerLifetimeMs),
  };
  checkOrder(identity, lifetimes);
  const issuer = parseIssuer(identity.object('issuer'), fallback.issuer);
  return {
    suffix: parseSuffix(identity, fallback.suffix),
    issuer,
    trustAnchors: parseTrustAnchors(identity, issuer.type, fallback.trustAnchors),
    ...lifetimes,
    rotation: parseRotation(identity, issuer.type, fallback.rotation),
    required: identity.boolean('required') ?? fallback.required,
  };
}

function parseSuffix(identity: Fields, fallback: string): string {
  const suffix = identity.text('suffix') || fallback;
  if (!isDnsSubdomain(suffix))
    identity.problems.error(identity.at('suffix'), `must be a DNS domain, not ${quote(suffix)}`);
  return suffix;
}

function parseIssuer(issuer: Fields | null, fallback: Identity['issuer']): Identity['issuer'] {
  if (issuer === null) return fallback;
  issuer.closed(['type', 'secretName']);
  const type = issuer.oneOf('type', ['Managed', 'Secret'], fallback.type);
  const name = issuer.text('secretName');
  if (type === 'Managed') {
    if (name !== '') issuer.problems.error(issuer.path, 'must not have secretName unless type is Secret');
    return { type };
  }
  if (name !== '' && !isDnsSubdomain(name)) {
    issuer.problems.error(issuer.at('secretName'), `must be the name of a Secret, not ${quote(name)}`);
  }
  return { type, name: name === '' ? DEFAULT_ISSUER_SECRET : name };
}

function parseTrustAnchors(
  identity: Fields,
  issuer: Identity['issuer']['type'],
  fallback: Identity['trustAnchors'],
): Identity['trustAnchors'] {
  const anchors = identity.object('trustAnchors');
  if (anchors === null) return fallback;
  anchors.closed(['configMap']);
  if (issuer === 'Managed') {
    identity.problems.error(identity.path, 'must not have trustAnchors unless the issuer comes from a Secret');
  }
  const configMap = anchors.required('configMap');
  if (configMap === null) return fallback;
  configMap.closed(['name', 'key']);
  const name = configMap.text('name') || DEFAULT_ANCHORS.name;
  const key = configMap.text('key') || DEFAULT_ANCHORS.key;
  if (!isDnsSubdomain(name)) {
    configMap.problems.error(configMap.at('name'), `must be the name of a ConfigMap, not ${quote(name)}`);
  }
  if (!CONFIG_MAP_KEY.test(key)) configMap.problems.error(configMap.at('key'), `must be a key, not ${quote(key)}`);
  return { name, key };
}

/** Numbers are taken, too: a count that somebody raises is what comes to mind first. */
function parseRotation(
  identity: Fields,
  issuer: Identity['issuer']['type'],
  fallback: Identity['rotation'],
): Identity['rotation'] {
  const rotation = identity.object('rotation');
  if (rotation === null) return fallback;
  rotation.closed(['anchor', 'issuer', 'leaf']);
  const values = {
    anchor: parseRotationValue(rotation, 'anchor'),
    issuer: parseRotationValue(rotation, 'issuer'),
    leaf: parseRotationValue(rotation, 'leaf'),
  };
  if (issuer === 'Secret' && (values.anchor !== '' || values.issuer !== '')) {
    const rule = 'must have neither rotation.anchor nor rotation.issuer where the issuer comes from a Secret';
    identity.problems.error(identity.path, rule);
  }
  return values;
}

function parseRotationValue(rotation: Fields, key: string): string {
  const raw = rotation.raw(key);
  const value = typeof raw === 'number' ? String(rotation.integer(key) ?? '') : rotation.text(key);
  if (value !== '' && !ROTATION_VALUE.test(value)) {
    const rule = 'must be a whole number, or at most 64 letters, digits, and . _ : + -';
    rotation.problems.error(rotation.at(key), `${rule}, not ${quote(value)}`);
  }
  return value;
}

function parseLifetime(identity: Fields, key: string, fallbackMs: number): number {
  const lifetimeMs = identity.scalar(key, parseDuration, fallbackMs);
  if (lifetimeMs < MIN_LIFETIME_MS) {
    identity.problems.error(identity.at(key), `must be at least ${formatDuration(MIN_LIFETIME_MS)}`);
  }
  return lifetimeMs;
}

/** A certificate that outlives its issuer cannot be verified to its end. */
function checkOrder(
  identity: Fields,
  lifetimes: Pick<Identity, 'certificateLifetimeMs' | 'issuerLifetimeMs' | 'anchorLifetimeMs'>,
): void {
  if (lifetimes.certificateLifetimeMs > lifetimes.issuerLifetimeMs) {
    identity.problems.error(identity.path, 'must not have a certificateLifetime longer than issuerLifetime');
  }
  if (lifetimes.issuerLifetimeMs > lifetimes.anchorLifetimeMs) {
    identity.problems.error(identity.path, 'must not have an issuerLifetime longer than anchorLifetime');
  }
}
