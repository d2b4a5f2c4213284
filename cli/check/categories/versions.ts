import { parseImage, versionOf } from '../../../crds/annotations/image.ts';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { child } from '../../../crds/parse/metadata.ts';
import { restartOf } from '../../../webhooks/inject/restart.ts';
import type { Category, Finding } from '../facts/check.ts';
import type { Facts } from '../facts/facts.ts';
import { about } from '../facts/name.ts';
import { operatorImage, operatorOf, wantedSettings } from '../facts/operator.ts';
import { proxyOf } from '../facts/proxy.ts';

export const VERSIONS: Category = {
  name: 'control-plane-version',
  checks: [
    {
      code: 'version-skew',
      description: 'control plane and cli versions match',
      severity: 'warning',
      needs: ['controlPlane'],
      run: skew,
    },
  ],
};

export const PROXY_VERSIONS: Category = {
  name: 'weft-data-plane-version',
  isOfWorkloads: true,
  checks: [
    {
      code: 'proxy-outdated',
      description: 'data plane is up-to-date',
      severity: 'warning',
      needs: ['controlPlane', MESH.id, NAMESPACE.id, POD.id],
      run: outdated,
    },
  ],
};

/** A tag such as `dev`, or a digest, is no version that could be compared. */
const VERSION = /^v?(\d+\.\d+\.\d+)/;

function skew(facts: Facts): Finding[] {
  const image = parseImage(operatorImage(facts));
  const version = VERSION.exec(image === null ? '' : versionOf(image))?.[1];
  const own = VERSION.exec(facts.observed.cliVersion)?.[1];
  if (version === undefined || version === own) return [];
  const reason = `the control plane is of version ${version}, this command of ${own}`;
  return [about('Deployment', operatorOf(facts), reason, 'weft upgrade --diff')];
}

/** By what the injector would choose for the very pod, with its annotations and those of its namespace. */
function outdated(facts: Facts): Finding[] {
  return facts.meshed.flatMap(({ raw, model }) => {
    const wanted = wantedSettings(facts, model)?.settings.image;
    const image = child(proxyOf(raw), 'image');
    if (wanted === undefined || image === wanted) return [];
    return [about(POD.kind, raw, `its proxy is ${image}, a new pod would get ${wanted}`, restartOf(model))];
  });
}
