import { X509Certificate } from 'node:crypto';
import { isObject } from '../../../lib/json.ts';
import type { User } from './rows.ts';

/** Where an API server says by what it is to be known that asks in the name of a user (`ConfigMap` of every cluster, written by kube-apiserver). */
export const AUTHENTICATION_CONFIG = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const;

/** How an API server that stands before this one names users: by headers, for which its client certificate vouches. */
export interface RequestHeaders {
  /** Authorities of the certificate, PEM. */
  authoritiesPem: string;
  authorities: readonly X509Certificate[];
  /** Common names that the certificate may have; empty: any. */
  allowedNames: readonly string[];
  /** In lower case, as all names of headers here. The first that has a value counts. */
  userHeaders: readonly string[];
  uidHeaders: readonly string[];
  groupHeaders: readonly string[];
  extraPrefixes: readonly string[];
}

/** Between the certificate of an API server and its authority; there is usually none. */
const MAX_INTERMEDIATES = 3;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * From the `data` of that ConfigMap.
 * @throws Error it says nothing that somebody could be known by
 */
export function readRequestHeaders(data: unknown): RequestHeaders {
  const texts = isObject(data) ? data : {};
  const authoritiesPem = texts['requestheader-client-ca-file'];
  if (typeof authoritiesPem !== 'string' || authoritiesPem.trim() === '') {
    throw new Error('there is no requestheader-client-ca-file: this API server has no aggregation layer');
  }
  const authorities = (authoritiesPem.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  const userHeaders = names(texts['requestheader-username-headers']).map(lower);
  if (authorities.length === 0) throw new Error('requestheader-client-ca-file has no certificate');
  if (userHeaders.length === 0) throw new Error('requestheader-username-headers names none');
  return {
    authoritiesPem,
    authorities,
    allowedNames: names(texts['requestheader-allowed-names']),
    userHeaders,
    uidHeaders: names(texts['requestheader-uid-headers']).map(lower),
    groupHeaders: names(texts['requestheader-group-headers']).map(lower),
    extraPrefixes: names(texts['requestheader-extra-headers-prefix']).map(lower),
  };
}

/** A JSON array of texts. A missing one names none; one that is of another form must not come to mean "any". */
function names(text: unknown): string[] {
  if (text === undefined || text === '') return [];
  const value: unknown = JSON.parse(String(text));
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string' && each.trim() !== '')) {
    throw new Error('a list of names is not one');
  }
  return value.map((each: string) => each.trim());
}

function lower(text: string): string {
  return text.toLowerCase();
}

/**
 * Whether the certificate is one of the API server's, now: a connection may be older than the present authorities, and outlive its certificate. That its owner has
 * the key, and that it is for clients, TLS has found out.
 */
export function vouches(settings: RequestHeaders, certificate: X509Certificate, nowMs: number): boolean {
  const { authorities, allowedNames } = settings;
  if (certificate.ca || !chains(certificate, authorities, nowMs, MAX_INTERMEDIATES)) return false;
  return allowedNames.length === 0 || allowedNames.includes(commonNameOf(certificate));
}

/** Up to one of the authorities, by certificates that the client has sent. */
function chains(
  certificate: X509Certificate,
  authorities: readonly X509Certificate[],
  nowMs: number,
  intermediates: number,
): boolean {
  const isIssuer = (issuer: X509Certificate) =>
    issuer.ca && isCurrent(issuer, nowMs) && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  if (!isCurrent(certificate, nowMs)) return false;
  if (authorities.some(isIssuer)) return true;
  const { issuerCertificate } = certificate;
  if (intermediates === 0 || issuerCertificate === undefined || !isIssuer(issuerCertificate)) return false;
  return chains(issuerCertificate, authorities, nowMs, intermediates - 1);
}

function isCurrent({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  return validFromDate.getTime() <= nowMs && nowMs <= validToDate.getTime();
}

/** Empty where there is none, or more than one: of several it would be for whoever reads them which one counts. */
function commonNameOf(certificate: X509Certificate): string {
  const name: unknown = certificate.toLegacyObject().subject?.CN;
  return typeof name === 'string' ? name : '';
}

/**
 * Whom the headers name; `null`: nobody, or not clearly. `raw` is names and values in turn, as they came: what is there twice must not be read as one, and an
 * underscore is no hyphen.
 */
export function userOf(settings: RequestHeaders, raw: readonly string[]): User | null {
  const headers = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    const text = utf8(raw[at + 1]!);
    if (text === null) return null;
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [text]);
    else values.push(text);
  }
  const name = onlyValue(headers, settings.userHeaders);
  const uid = onlyValue(headers, settings.uidHeaders);
  if (name === null || name === '' || uid === null) return null;
  const groups = settings.groupHeaders.flatMap((each) => headers.get(each) ?? []).filter((group) => group !== '');
  return { name, uid, groups, extra: extraOf(headers, settings.extraPrefixes) };
}

/** Of the first header that has a value; empty where none has. `null`: it has several. */
function onlyValue(headers: ReadonlyMap<string, readonly string[]>, wanted: readonly string[]): string | null {
  for (const name of wanted) {
    const values = headers.get(name) ?? [];
    if (values.length > 1) return null;
    const [value = ''] = values;
    if (value !== '') return value;
  }
  return '';
}

function extraOf(headers: ReadonlyMap<string, readonly string[]>, prefixes: readonly string[]): User['extra'] {
  const extra = new Map<string, string[]>();
  for (const prefix of prefixes) {
    for (const [name, values] of headers) {
      if (!name.startsWith(prefix)) continue;
      const key = unescaped(name.slice(prefix.length));
      extra.set(key, [...(extra.get(key) ?? []), ...values]);
    }
  }
  return Object.fromEntries(extra);
}

/** As an API server writes keys that are no names of headers (`client-go/transport`: `headerKeyEscape`). */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Names of users are UTF-8; Node gives a header's octets as Latin-1. Two users must not become one by what cannot be decoded. */
function utf8(latin1: string): string | null {
  if (/^[\x20-\x7e]*$/.test(latin1)) return latin1;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return null;
  }
}
