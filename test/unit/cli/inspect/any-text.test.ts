import { expect } from 'chai';
import fc from 'fast-check';
import { redactObject, redactText } from '../../../../cli/diagnostics/redact.ts';
import { authorityOf } from '../../../../cli/endpoints/authority.ts';
import { CliError } from '../../../../cli/errors.ts';
import { readUndo } from '../../../../cli/inject/undo.ts';
import { heldIn } from '../../../../operator/viz/proxies/items.ts';

/** What comes from a command line, a manifest, a cluster, or a proxy may be anything. */
describe('whatever it is given', () => {
  it('a destination is understood, or refused with a code', () => {
    const parts = fc.array(fc.constantFrom('web', 'shop', 'svc', '.', ':', '80', '65536', '-', ' ', 'A'), {
      maxLength: 9,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          parts.map((all) => all.join('')),
        ),
        (text) => {
          try {
            const { service, namespace, port } = authorityOf(text, 'shop');
            expect(`${service}.${namespace}`).to.match(
              /^[a-z0-9]([-a-z0-9]*[a-z0-9])?\.[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
            );
            expect(port ?? 1).to.be.within(1, 65_535);
          } catch (error) {
            if (!(error instanceof CliError)) throw error;
            expect(error.code).to.equal('WEFT_CLI_USAGE');
          }
        },
      ),
    );
  });

  it('a record for uninject is read as far as it is one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const { keep, probes } = readUndo(text);
        expect(keep.every((name) => typeof name === 'string')).to.equal(true);
        expect(Object.values(probes).every((handler) => typeof handler === 'object')).to.equal(true);
      }),
    );
    expect(readUndo('{"keep":["a",1],"probes":{"app/livenessProbe":{"tcpSocket":{}},"x":3}}')).to.deep.equal({
      keep: ['a'],
      probes: { 'app/livenessProbe': { tcpSocket: {} } },
    });
  });

  it('what a proxy says it has is taken as far as it is that', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (answers) => {
        for (const { key, version } of heldIn(answers)) {
          expect([typeof key, typeof version]).to.deep.equal(['string', 'string']);
        }
      }),
    );
  });

  it('objects and texts are redacted, twice as once, and in time', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const once = redactObject(value);
        expect(redactObject(once)).to.deep.equal(once);
      }),
    );
    const startedMs = performance.now();
    for (const text of ['a'.repeat(1_000_000), 'eyJ'.repeat(300_000), 'token'.repeat(200_000), '://'.repeat(300_000)]) {
      redactText(text);
    }
    expect(performance.now() - startedMs).to.be.lessThan(5_000);
  });
});
