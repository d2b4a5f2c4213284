import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FAULTS } from '../../../hack/observability/faults/all.ts';
import { OlderBuild } from '../../../hack/observability/faults/older-build.ts';
import { readAlerts } from '../../../hack/observability/files.ts';
import { UNREST_ALERTS } from '../../../hack/observability/unrest.ts';

const BUNDLE_MS = 60_000;

describe('faults that are really made', () => {
  it('make each alert fire, by one of them', () => {
    const told = [...UNREST_ALERTS, ...FAULTS.flat().flatMap(({ alerts }) => alerts)];
    expect(told.toSorted()).to.deep.equal(
      readAlerts()
        .map(({ alert }) => alert)
        .toSorted(),
    );
  });

  it('include a proxy that knows one balancer less, and all else', async function () {
    this.timeout(BUNDLE_MS);
    const build = new OlderBuild();
    try {
      const folder = await build.make();
      const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
      expect(texts.filter((text) => text.includes('"leastLoaded","aperture"]'))).to.have.length(1);
      expect(texts.filter((text) => text.includes('"aperture","consistentHash"]'))).to.deep.equal([]);
    } finally {
      build.remove();
    }
  });
});
