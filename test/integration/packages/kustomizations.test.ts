import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../cli/install/object.ts';
import { installation } from '../../../cli/install/objects.ts';
import { SOURCES } from '../../../cli/install/sources.ts';
import { findPrograms } from '../../../hack/apiserver/programs.ts';
import { ROOT } from '../../../hack/packages/files.ts';
import { OVERLAYS } from '../../../hack/packages/kustomizations.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { byKey } from './objects.ts';

describe('kustomizations, by kubectl', function () {
  this.timeout(60_000);
  let kubectl: string;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    ({ kubectl } = await findPrograms(['kubectl']));
  });

  const built = async (folder: string) => {
    const { stdout } = await promisify(execFile)(kubectl, ['kustomize', join(ROOT, 'kustomize', folder)], {
      maxBuffer: 64_000_000,
    });
    return stdout;
  };
  const objectsIn = (text: string) =>
    parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as KubeObject);

  for (const [folder, values] of Object.entries({
    base: {},
    ...Object.fromEntries(Object.entries(OVERLAYS).map(([name, each]) => [`overlays/${name}`, each])),
  })) {
    it(`${folder} has the objects of weft install with ${JSON.stringify(values)}, the same bytes every time`, async () => {
      const { definitions, controlPlane } = installation(SOURCES, values);
      const text = await built(folder);
      expect(byKey(objectsIn(text))).to.deep.equal(byKey([...definitions, ...controlPlane]));
      expect((await built(folder)) === text).to.equal(true);
    });
  }

  it('have the definitions in a folder of their own', async () => {
    expect(byKey(objectsIn(await built('crds')))).to.deep.equal(byKey(installation(SOURCES, {}).definitions));
  });
});
