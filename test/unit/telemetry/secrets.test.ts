import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { createLog } from '../../../operator/telemetry/log.ts';
import { redacted } from '../../../proxy-image/contract/log-text.ts';
import { JsonLogger } from '../../../proxy-image/io/telemetry/log.ts';

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const TOKEN = `${base64url({ alg: 'RS256', kid: 'k' })}.${base64url({ sub: 'system:serviceaccount:shop:web' })}.c2lnbmF0dXJlLW9mLWl0`;

function keyPem(type: 'pkcs8' | 'sec1'): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type, format: 'pem' }).toString();
}

/** Lines that `write` makes the operator's log write. */
function operatorLines(write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  const { stderr } = process;
  const { write: original } = stderr;
  stderr.write = ((text: string) => lines.push(String(text)) > 0) as typeof stderr.write;
  try {
    write(createLog('debug', { instance: 'op-1' }));
  } finally {
    stderr.write = original;
  }
  return lines;
}

function proxyLines(write: (log: JsonLogger) => void): string[] {
  const lines: string[] = [];
  write(new JsonLogger({ level: 'debug', write: (line) => void lines.push(line), wallMs: () => 1_800_000_000_000 }));
  return lines;
}

describe('F12: secrets', () => {
  for (const [program, linesOf] of [
    ['the operator', operatorLines],
    ['the proxy', proxyLines],
  ] as const) {
    it(`are not in a line of ${program}, whoever quotes them: keys of either form, whole or cut, and tokens`, () => {
      const keys = [keyPem('pkcs8'), keyPem('sec1')];
      const lines = linesOf((log) => {
        for (const key of keys) {
          log.error('cannot be read', { error: `not a key: ${key.trim()}, sorry`, code: 'WEFT_X' });
          log.error('cannot be read', { error: JSON.stringify({ keyPem: key.slice(0, 120) }) });
        }
        log.warn('refused', { error: `authorization: Bearer ${TOKEN}`, url: `https://x/?token=${TOKEN}&a=b` });
        log.warn('refused', { error: `Unexpected token in JSON: ${TOKEN.slice(0, -10)}` });
      });
      expect(lines).to.have.length(6);
      const text = lines.join('');
      for (const key of keys) for (const part of key.split('\n').slice(1, -2)) expect(text).not.to.contain(part);
      expect(text)
        .not.to.contain('PRIVATE KEY')
        .and.not.to.contain(TOKEN.split('.')[1]!)
        .and.not.to.contain(TOKEN.split('.')[2]!);
      const fields = lines.map((line) => JSON.parse(line) as Record<string, string>);
      expect(fields[0]).to.include({ code: 'WEFT_X', error: 'not a key: [redacted], sorry' });
      expect(fields[4]).to.include({
        error: 'authorization: Bearer [redacted]',
        url: 'https://x/?token=[redacted]&a=b',
      });
    });

    it(`E8: what moves a cursor or ends a line is an escape in a line of ${program}`, () => {
      const evil = 'a"b\\c\nd\r\u0000\u001b[31m\u007f\u0085\u009b2J\u2028{"level":"info"}';
      const lines = linesOf((log) => log.warn('not accepted', { name: evil }));
      expect(lines).to.have.length(1);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      expect(lines[0]!.slice(0, -1)).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(JSON.parse(lines[0]!)).to.include({ level: 'warn', message: 'not accepted', name: evil });
    });
  }

  it('are found in linear time, and nothing else is taken for one', () => {
    for (const plain of ['eyJ', 'eyJhbGciOi.x', 'BEGIN CERTIFICATE', '-----BEGIN PUBLIC KEY-----', 'keyJ.eyJ.eyJ']) {
      expect(redacted(plain)).to.equal(plain);
    }
    const started = performance.now();
    redacted('eyJ'.repeat(200_000));
    redacted('-----BEGIN PRIVATE KEY-----'.repeat(20_000));
    redacted(`eyJ${'a'.repeat(300_000)}.eyJ${'a'.repeat(300_000)}`);
    expect(performance.now() - started).to.be.below(5_000);
  });
});
