import { execFile } from 'node:child_process';
import type { KubeObject } from '../../../cli/install/object.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';

const OUTPUT_BYTES = 64_000_000;

/** @throws what it says when it fails */
export function kubectl(api: TestApiServer, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const argv = ['--kubeconfig', api.kubeconfigPath, ...args];
    const child = execFile(api.kubectlPath, argv, { maxBuffer: OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr));
    });
    // Of a program that has ended without reading: what it says is what counts.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

export async function read(api: TestApiServer, args: readonly string[], input = ''): Promise<KubeObject[]> {
  const text = await kubectl(api, ['get', '-o', 'json', ...args], input);
  const { items, ...single } = JSON.parse(text) as KubeObject & { items?: KubeObject[] };
  return items ?? [single];
}

/** Definitions and namespaces first, as both tools do. */
export async function apply(
  api: TestApiServer,
  objects: readonly KubeObject[],
  options: readonly string[],
): Promise<void> {
  const first = objects.filter(({ kind }) => kind === 'CustomResourceDefinition' || kind === 'Namespace');
  for (const items of [first, objects.filter((each) => !first.includes(each))]) {
    if (items.length === 0) continue;
    await kubectl(api, ['apply', ...options, '-f', '-'], listOf(items));
    const names = items.filter(({ kind }) => kind === 'CustomResourceDefinition').map((each) => each.metadata.name);
    if (names.length > 0) await kubectl(api, ['wait', '--for=condition=Established', 'crd', ...names]);
  }
}

export function listOf(items: readonly KubeObject[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
