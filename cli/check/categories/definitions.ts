import { isDeepStrictEqual } from 'node:util';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { child, listOf, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { asDefinition, lackOf } from '../../install/definitions.ts';
import { isOurs, type KubeObject } from '../../install/object.ts';
import { storedBeside, storedButDropped } from '../../install/stored-versions.ts';
import { isEstablished } from '../../install/wait.ts';
import type { Category, Finding } from '../facts/check.ts';
import type { Facts } from '../facts/facts.ts';
import { about, objectName } from '../facts/name.ts';

const KIND = 'CustomResourceDefinition';
const MEND = 'weft install --crds | kubectl apply --server-side -f -';
const MIGRATE = 'weft upgrade --crds --apply --migrate-stored';
const REPLACE = 'weft install --apply --upgrade-crds';

export const DEFINITIONS: Category = {
  name: 'weft-crd',
  checks: [
    {
      code: 'definition-missing',
      description: 'custom resource definitions exist',
      severity: 'error',
      needs: ['definitions'],
      run: missing,
    },
    {
      code: 'definition-not-established',
      description: 'custom resource definitions are served',
      severity: 'error',
      needs: ['definitions'],
      run: notEstablished,
    },
    {
      code: 'definition-version',
      description: 'custom resource definitions serve the versions that are read',
      severity: 'error',
      needs: ['definitions'],
      run: (facts) =>
        lacking(facts, 'version', (version) => `it is not served as ${version}, which the operator reads`),
    },
    {
      code: 'definition-without-status',
      description: 'custom resource definitions have a status subresource',
      severity: 'warning',
      needs: ['definitions'],
      run: (facts) =>
        lacking(
          facts,
          'status',
          (version) => `it has no status subresource in ${version}: nothing can be said of its objects`,
        ),
    },
    {
      code: 'definition-outdated',
      description: 'custom resource definitions are those of this version',
      severity: 'warning',
      needs: ['definitions'],
      run: outdated,
    },
    {
      code: 'definition-stored-version',
      description: 'custom resources are stored in the versions of now',
      severity: 'warning',
      needs: ['definitions'],
      run: storedInOthers,
    },
    {
      code: 'gateway-api-version',
      description: 'Gateway API definitions, where there are any, serve the versions that are read',
      severity: 'warning',
      needs: ['definitions'],
      run: gatewayVersions,
    },
  ],
};

/** Ours beside what the cluster has of the same name. */
function pairs(facts: Facts): { own: KubeObject; found: KubeObject }[] {
  return facts.observed.wanted.definitions.flatMap((own) => {
    const found = facts.find('definitions', own.metadata.name);
    return found === undefined ? [] : [{ own, found: found as KubeObject }];
  });
}

function missing(facts: Facts): Finding[] {
  return facts.observed.wanted.definitions
    .filter(({ metadata }) => facts.find('definitions', metadata.name) === undefined)
    .map(({ metadata }) => ({
      object: objectName(KIND, metadata.name),
      namespace: '',
      reason: 'it does not exist',
      remedy: MEND,
    }));
}

function notEstablished(facts: Facts): Finding[] {
  return pairs(facts)
    .filter(({ found }) => !isEstablished(found) || textOf(found.metadata, 'deletionTimestamp') !== '')
    .map(({ found }) => {
      const isGoing = textOf(found.metadata, 'deletionTimestamp') !== '';
      const reason = isGoing ? 'it is being deleted, with all of its objects' : 'the API server does not serve it';
      return about(KIND, found, reason, `kubectl describe crd ${found.metadata.name}`);
    });
}

function lacking(facts: Facts, type: 'version' | 'status', reason: (version: string) => string): Finding[] {
  return pairs(facts).flatMap(({ own, found }) => {
    const lack = lackOf(asDefinition(own), asDefinition(found));
    return lack.type === type ? [about(KIND, found, reason(lack.version), isOurs(found) ? MEND : REPLACE)] : [];
  });
}

/** What the API server adds by itself (defaults, conversion) is no difference: only what this version has is looked for. */
function outdated(facts: Facts): Finding[] {
  return pairs(facts)
    .filter(({ own, found }) => isOurs(found) && lackOf(asDefinition(own), asDefinition(found)).type === 'nothing')
    .filter(({ own, found }) => !isDeepStrictEqual(schemasOf(own), schemasOf(found)))
    .map(({ found }) => about(KIND, found, 'its schema is that of another version of Weft', MEND));
}

function storedInOthers(facts: Facts): Finding[] {
  return pairs(facts).flatMap(({ own, found }) => {
    const versions = storedBeside(asDefinition(own), found);
    if (!isOurs(found) || versions.length === 0) return [];
    const gone = new Set(storedButDropped(asDefinition(own), found));
    const said = versions.map((version) =>
      gone.has(version) ? `${version}, which this version does not have` : version,
    );
    return [about(KIND, found, `objects of it may be stored as ${said.join(' and ')}`, MIGRATE)];
  });
}

/** By version: the schema, and the columns that people see. */
function schemasOf(definition: KubeObject): Map<string, unknown> {
  const versions = listOf(child(definition, 'spec'), 'versions');
  return new Map(
    versions.map((version) => [
      textOf(version, 'name'),
      [child(version, 'schema'), child(version, 'additionalPrinterColumns') ?? []],
    ]),
  );
}

function gatewayVersions(facts: Facts): Finding[] {
  return KINDS.filter(({ optional }) => optional).flatMap(({ group, plural, watched }) => {
    const found = facts.find('definitions', `${plural}.${group}`);
    if (found === undefined) return [];
    const versions = listOf(child(found, 'spec'), 'versions');
    const isServed = versions.some((each) => textOf(each, 'name') === watched && child(each, 'served') === true);
    if (isServed) return [];
    const reason = `it is not served as ${watched}: its objects have no effect here`;
    return [
      about(KIND, found, reason, `kubectl get crd ${readMeta(found).name} -o jsonpath='{.spec.versions[*].name}'`),
    ];
  });
}
