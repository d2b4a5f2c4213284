import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { HEALTH_DIRECTORY, shippedChecks } from '../integration/gitops/checks.ts';
import { BUILD_LIMIT_MS, type Health, Judge } from '../integration/gitops/judge.ts';

const DATA = path.join(HEALTH_DIRECTORY, 'testdata');

describe("the small judge of make test, beside the tools' own engines", function () {
  this.timeout(2 * BUILD_LIMIT_MS);
  let small: Judge<Health>;
  let engines: Judge<{ health: Health }>;

  before(async () => {
    small = await Judge.start('health', shippedChecks());
    engines = await Judge.start('judge', shippedChecks());
  });
  after(async () => {
    await small?.stop();
    await engines?.stop();
  });

  for (const file of readdirSync(DATA)) {
    const given = parse(readFileSync(path.join(DATA, file), 'utf8')) as { metadata: object; status?: object };
    const { status, ...without } = given;
    const forms: Record<string, object> = {
      '': given,
      ', being deleted': { ...given, metadata: { ...given.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      ', changed': { ...given, metadata: { ...given.metadata, generation: 9 } },
      ', without a status': without,
      ', of another kind': { ...given, kind: 'TLSRoute', status },
      ', of a kind with a check of Argo CD alone': { ...given, apiVersion: 'cert-manager.io/v1', kind: 'Certificate' },
    };
    for (const [form, object] of Object.entries(forms)) {
      it(`says the same of ${path.basename(file, '.yaml')}${form}`, async () => {
        const { health } = await engines.ask({ object });
        expect(await small.ask(object)).to.deep.equal(health);
      });
    }
  }
});
