import { expect } from 'chai';
import { sourceFiles } from './sources.ts';

/**
 * Rows of the security checklist that must have a test: HTTP/1 framing and smuggling (A), resources (B), forged identity and trust (C), placement of the
 * proxy (D), admission and operator (E), supply chain and secrets (F). A test says in its title which row it is of.
 */
const REQUIRED: Readonly<Record<string, string>> = {
  A1: 'Content-Length beside Transfer-Encoding',
  A2: 'Content-Length: several, signed, not decimal, too large',
  A3: 'Transfer-Encoding other than exactly one chunked',
  A4: 'Transfer-Encoding on HTTP/1.0',
  A5: 'malformed chunk sizes',
  A6: 'chunk extensions',
  A7: 'trailers that frame, route or identify',
  A8: 'malformed fields: folded, bare CR, LF or NUL, blanks, empty name',
  A9: 'Host missing, twice, malformed, or another than the absolute form says',
  A10: 'malformed targets',
  A11: 'unknown versions, over-long methods',
  A12: 'CONNECT, Upgrade, 101 that nobody asked for',
  A13: 'pipelining behind a refused request',
  A14: 'smuggled responses',
  A15: 'bodies that nobody reads',
  A16: 'requests of HTTP/2 that would be others in HTTP/1',
  A17: 'hop-by-hop fields that Connection names',
  A18: 'replay of a body that was partly sent',
  B1: 'slow heads',
  B2: 'slow readers, windows that stay shut',
  B3: 'silent connections',
  B4: 'header sections that are too large',
  B5: 'rapid reset',
  B6: 'resets that the client provokes',
  B7: 'CONTINUATION floods',
  B8: 'floods of frames that move nothing',
  B9: 'headers that are never finished',
  B10: 'SETTINGS that are never acknowledged',
  B11: 'header compression that blows up',
  B12: 'more streams than allowed, none allowed',
  B13: 'flow control that overflows',
  B14: 'exhaustion of connections and file descriptors',
  B15: 'more requests than can be carried',
  B16: 'retry storms',
  B17: 'bodies in single octets',
  B18: 'expressions that burn CPU or do not compile',
  B19: 'explosion of metric labels',
  B20: 'starvation of the event loop',
  B21: 'floods of handshakes, slow ones, old versions of TLS',
  B22: 'decompression, large trailers',
  C1: 'forged l5d-client-id',
  C2: 'forged fields of the mesh',
  C3: 'x-forwarded-*, Forwarded, x-envoy-*: never believed',
  C4: 'what is said twice, with different values',
  C5: 'case, dot, port and brackets of hosts',
  C6: 'odd spellings of paths',
  C7: 'certificates that prove nothing',
  C8: 'versions of TLS, resumption',
  C9: 'no certificate yet',
  C10: 'stolen tokens, hostile signing requests',
  C11: 'names that claim another server’s policy',
  C12: 'probe paths that skip authorization',
  C13: 'policy revoked while connections live',
  C14: 'profiles of another namespace',
  D1: 'loops through the proxy’s own ports',
  D2: 'verbs of the admin port',
  D3: 'containers that dodge redirection',
  D4: 'ports that tenants leave out',
  D5: 'IPv6 that is not redirected',
  D6: 'UDP and QUIC',
  D7: 'forged answers of DNS',
  D8: 'parsers that input brings down',
  E1: 'admission reviews that are none',
  E2: 'admission reviews that exhaust or pollute',
  E3: 'callers other than the API server',
  E4: 'hostile pods',
  E5: 'hostile annotations',
  E6: 'an injector that is down, or changes its certificate',
  E7: 'invalid resources that were never validated',
  E8: 'fields that become log lines, labels, expressions',
  E9: 'selectors that match everything, weights that add up to nothing',
  E10: 'a stolen token of the operator',
  E11: 'policies and endpoints of others, asked for on the stream',
  E12: 'endpoints that show environment or heap',
  E13: 'two leaders that write',
  E14: 'an old proxy with a new policy',
  E15: 'objects that would draw others with them',
  F4: 'tap without permission, secrets in what it shows',
  F8: 'sequences that a terminal obeys',
  F10: 'dependencies and their scripts',
  F11: 'what containers run as',
  F12: 'logs that leak keys and tokens',
  F13: 'files and Secrets with keys',
};

/** First argument of a call, such as `it('A1: …')` or a table's `refuses('A1', …)`; a row may also stand in brackets at the end of a title. */
const TITLE = /\b(?:it|describe|refuses)\(\s*(['"`])((?:(?!\1).)*)\1/g;
const ROW = /^([A-F]\d{1,2})\b|\(([A-F]\d{1,2})\)$/;

function rowOf(title: string): string | null {
  const match = ROW.exec(title);
  return match === null ? null : (match[1] ?? match[2] ?? null);
}

describe('rows of the security checklist', () => {
  const sources = sourceFiles().filter(({ path }) => /^test\/(?:unit|property|integration|e2e)\//.test(path));
  const rows = new Set(
    sources.flatMap(({ text }) => [...text.matchAll(TITLE)].map(([, , title]) => rowOf(title ?? ''))),
  );

  for (const [row, attack] of Object.entries(REQUIRED)) {
    it(`${row} has a test: ${attack}`, () => {
      expect([...rows]).to.include(row);
    });
  }

  it('are all rows of the checklist but those of the dashboard and the command, which are not there yet', () => {
    const counts = { A: 18, B: 22, C: 14, D: 8, E: 15, F: 13 };
    const all = Object.entries(counts).flatMap(([part, count]) =>
      Array.from({ length: count }, (_, i) => `${part}${i + 1}`),
    );
    expect(Object.keys(REQUIRED)).to.deep.equal(all.filter((row) => !/^F[1-35-79]$/.test(row)));
  });

  it('are found by the beginning or the end of a title only', () => {
    expect(rowOf('A1: two lengths')).to.equal('A1');
    expect(rowOf('A1')).to.equal('A1');
    expect(rowOf('leaves the budget alone (A18)')).to.equal('A18');
    expect(rowOf('A10: a fragment')).to.equal('A10');
    expect(rowOf('unlike A1, refuses')).to.equal(null);
  });
});
