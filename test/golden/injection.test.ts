import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { podOf, roleOf } from '../../cli/inject/workloads.ts';
import { isObject } from '../../lib/json.ts';
import { VERSION } from '../../proxy-image/contract/version.ts';
import { inject } from '../../webhooks/inject/patch.ts';
import { runCli } from '../support/cli.ts';
import { applyPatch } from '../support/json-patch.ts';
import { injectionInput, PROXY_IMAGE } from '../support/pods.ts';

/**
 * `NAME.yaml` is an input, `injected/NAME.yaml` what `weft inject` prints for it, `manual/NAME.yaml` what it prints with `--manual`. A wanted change, in this folder:
 *   node ../../cli/main.ts inject injection/NAME.yaml > injection/injected/NAME.yaml
 *   node ../../cli/main.ts inject --manual --trust-anchors-file injection/anchors.pem --proxy-image IMAGE -n shop injection/NAME.yaml > injection/manual/NAME.yaml
 */
const FOLDER = join(import.meta.dirname, 'injection');
const NAMESPACE = 'shop';
const INPUTS = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.pem'))
  .map(({ name }) => name);

const read = (...path: string[]) => readFileSync(join(FOLDER, ...path), 'utf8');
const anchors = () => read('anchors.pem');

/** The command on a text, as if it came through a pipe. */
async function run(verb: 'inject' | 'uninject', text: string, ...options: string[]): Promise<string> {
  const { status, stdout, stderr } = await runCli([verb, ...options, '-'], { stdin: text, cwd: FOLDER });
  expect(status, stderr).to.equal(0);
  return stdout;
}

const MANUAL = ['--manual', '--trust-anchors-file', 'anchors.pem', '--proxy-image', PROXY_IMAGE, '-n', NAMESPACE];

/** Objects of a text, those of lists included. */
function objectsIn(text: string): unknown[] {
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .flatMap((object) =>
      isObject(object) && Array.isArray(object['items']) ? (object['items'] as unknown[]) : [object],
    );
}

/** What a controller makes of an object, in the namespace that it names, else in `shop`; `null`: no pod. */
function podFrom(object: unknown): { pod: Record<string, unknown>; namespace: string } | null {
  const role = roleOf(object);
  if (role.type !== 'pods' || !isObject(object)) return null;
  const { kind, apiVersion, metadata } = object as {
    kind: string;
    apiVersion: string;
    metadata: Record<string, string>;
  };
  const pod = structuredClone(podOf(object, role.path)) as { metadata?: Record<string, unknown> };
  const owner = { apiVersion, kind, name: metadata['name'], uid: '', controller: true };
  const isOwned = role.path.length > 0 && kind !== 'CronJob';
  return {
    pod: { ...pod, metadata: { ...pod.metadata, ...(isOwned ? { ownerReferences: [owner] } : {}) } },
    namespace: metadata['namespace'] ?? NAMESPACE,
  };
}

/** As the webhook leaves a pod of a namespace with these annotations; `proxied`: it has got a proxy. */
function admitted(object: unknown, namespaceAnnotations: Record<string, string>): unknown {
  const from = podFrom(object);
  if (from === null) return null;
  const { pod, namespace } = from;
  const { patch } = inject({
    ...injectionInput({ pod, namespace, namespaceAnnotations, version: VERSION, trustAnchorsPem: anchors() }),
  });
  return applyPatch(pod, patch);
}

/** Without its record for `weft uninject`, and without what only the one who calls says. */
function comparable(pod: unknown): unknown {
  const copy = structuredClone(pod) as {
    metadata: { annotations?: Record<string, string>; ownerReferences?: unknown };
  };
  delete copy.metadata.annotations?.['weft.dev/uninject'];
  delete copy.metadata.ownerReferences;
  return copy;
}

describe('manifests that were injected, pair by pair', () => {
  it('are of every shape that people have', () => {
    expect(INPUTS).to.have.length.above(12);
    const kinds = INPUTS.flatMap((name) => objectsIn(read(name)).map((object) => (object as { kind: string }).kind));
    expect(kinds).to.include.members([
      'Deployment',
      'StatefulSet',
      'DaemonSet',
      'ReplicaSet',
      'ReplicationController',
      'Job',
      'CronJob',
      'Pod',
      'Namespace',
    ]);
  });

  for (const name of INPUTS) {
    describe(name, () => {
      it('is printed as it was, with the annotation; uninject restores it byte by byte', async () => {
        const injected = await run('inject', read(name));
        expect(injected).to.equal(read('injected', name));
        expect(await run('uninject', injected)).to.equal(read(name));
        expect(await run('inject', injected)).to.equal(injected);
      });

      it('gets of the webhook what an input gets whose namespace wants a proxy', () => {
        const wanted = objectsIn(read(name)).map((object) => admitted(object, { 'linkerd.io/inject': 'enabled' }));
        const injected = objectsIn(read('injected', name)).map((object) => admitted(object, {}));
        expect(injected).to.deep.equal(wanted);
      });

      it('gets by hand what the webhook gives it; uninject restores it byte by byte', async () => {
        const manual = await run('inject', read(name), ...MANUAL);
        expect(manual).to.equal(read('manual', name));
        const byHand = objectsIn(manual).flatMap((object) => podFrom(object)?.pod ?? []);
        const byWebhook = objectsIn(read('injected', name)).flatMap((object) => admitted(object, {}) ?? []);
        expect(byHand.map(comparable)).to.deep.equal(byWebhook.map(comparable));
        expect(await run('uninject', manual)).to.equal(read(name));
        expect(await run('inject', manual, ...MANUAL)).to.equal(manual);
      });
    });
  }
});
