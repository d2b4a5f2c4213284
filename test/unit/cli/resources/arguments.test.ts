import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { CliError } from '../../../../cli/errors.ts';
import { resourceOf, resourcesOf } from '../../../../cli/resources/arguments.ts';
import {
  collectionOf,
  DEPLOYMENT,
  NAMESPACE,
  namesOf,
  POD,
  printedName,
  RESOURCE_KINDS,
  WORKLOAD_KINDS,
} from '../../../../cli/resources/kinds.ts';
import { KINDS } from '../../../../crds/kinds/registry.ts';

const FOLDERS = join(import.meta.dirname, '..', '..', '..', '..', 'crds', 'kinds');

describe('resources on the command line', () => {
  const shown = (...args: string[]) =>
    resourcesOf(args, RESOURCE_KINDS, [DEPLOYMENT, POD]).map(({ kind, name }) => `${kind.kind} ${name ?? '*'}`);
  const refusal = (...args: string[]): string => {
    try {
      resourcesOf(args, WORKLOAD_KINDS);
    } catch (error) {
      expect(error).to.be.instanceOf(CliError).and.include({ code: 'WEFT_CLI_USAGE' });
      return (error as CliError).message;
    }
    return expect.fail(args.join(' '));
  };

  it('are written as kubectl and Linkerd take them', () => {
    expect(shown('deploy')).to.deep.equal(['Deployment *']);
    expect(shown('deploy/web')).to.deep.equal(['Deployment web']);
    expect(shown('deploy', 'web', 'api')).to.deep.equal(['Deployment web', 'Deployment api']);
    expect(shown('deploy/web', 'po/x', 'sts/')).to.deep.equal(['Deployment web', 'Pod x', 'StatefulSet *']);
    expect(shown('deploy,sts')).to.deep.equal(['Deployment *', 'StatefulSet *']);
    expect(shown('all')).to.deep.equal(['Deployment *', 'Pod *']);
  });

  it('have the names that Linkerd has for them, in any case', () => {
    const names = 'cj ds deploy job ns po rc rs sts svc sp srv saz serverauthz srvauthz ap authzpolicy httproute ts';
    for (const name of [...names.split(' '), 'Deployments', 'deployments.apps', 'POD', 'statefulset']) {
      expect(shown(name), name).to.have.length(1);
    }
    expect(shown('httproutes.gateway.networking.k8s.io', 'x')).to.deep.equal(['HTTPRoute x']);
    const all = RESOURCE_KINDS.flatMap(namesOf).filter((name) => !/^httproutes?$/.test(name));
    expect(new Set(all).size).to.equal(all.length);
  });

  it('that are none get the list of those that may be meant, or the one that is near', () => {
    expect(refusal('deplyo')).to.include('did you mean deploy');
    expect(refusal('xyzzy')).to.include('it takes cj, ds, deploy');
    expect(refusal('svc')).to.include('services mean nothing here');
    expect(refusal('all')).to.include('no kind "all"');
    expect(refusal('deploy/web', 'api')).to.include('TYPE/NAME');
    expect(refusal()).to.include('missing');
    expect(refusal('deploy', '..')).to.include('no name');
    expect(refusal('deploy/a/b')).to.include('no name');
    expect(refusal('deploy', 'x\u009b31m')).to.include('\\u009b31m');
    expect(() => resourceOf(['deploy/a', 'deploy/b'], WORKLOAD_KINDS)).to.throw('one resource');
  });

  it('lie where the API server has them', () => {
    expect(collectionOf(DEPLOYMENT, 'shop')).to.equal('/apis/apps/v1/namespaces/shop/deployments');
    expect(collectionOf(POD, null)).to.equal('/api/v1/pods');
    expect(collectionOf(NAMESPACE, 'shop')).to.equal('/api/v1/namespaces');
    expect(printedName(DEPLOYMENT, 'web')).to.equal('deployment.apps/web');
    expect(printedName(POD, 'x')).to.equal('pod/x');
  });

  it('of the kinds of the mesh are what their definitions say', () => {
    for (const { kind, group, plural, version, scope, short } of RESOURCE_KINDS) {
      const row = KINDS.find((each) => each.kind === kind && each.group === group);
      if (row === undefined) continue;
      expect({ plural, scope, version }, kind).to.deep.equal({
        plural: row.plural,
        scope: row.scope,
        version: row.watched,
      });
      if (!/linkerd\.io|smi-spec/.test(group)) continue;
      const folder = kind
        .replace(/^HTTP/, 'Http')
        .replace(/(?<=[a-z])(?=[A-Z])/g, '-')
        .toLowerCase();
      const { spec } = parse(readFileSync(join(FOLDERS, folder, 'manifest.yaml'), 'utf8')) as {
        spec: { names: { shortNames?: string[] } };
      };
      expect(short, kind).to.include.members(spec.names.shortNames ?? []);
    }
  });
});
