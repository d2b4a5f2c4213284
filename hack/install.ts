/**
 * Installs the custom resource definitions and the control plane into the cluster of the current kubeconfig, or removes them:
 *
 *   node hack/install.ts [--uninstall]
 *
 * CONTEXT            context of the kubeconfig; without it, the current one
 * REGISTRY           where the cluster pulls images from (hack/images/push); without it, images are on the nodes already
 * WEFT_IMAGE_PREFIX  what is before the names of such images (default localhost/)
 * WEFT_IMAGE_TAG     tag of the images (default dev)
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import ora from 'ora';
import { parseAllDocuments } from 'yaml';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const FIELD_MANAGER = 'weft-install';
/** Only what carries this label is ours to change or delete. */
const OURS = ['app.kubernetes.io/part-of', 'weft'] as const;
const NAMESPACE = 'weft-system';
const WEBHOOKS = ['mutatingwebhookconfiguration/weft-injector', 'validatingwebhookconfiguration/weft-validator'];
/** In this order: what comes later needs what comes before. */
const MANIFESTS = ['namespace.yaml', 'rbac.yaml', 'direct-mode.yaml', 'operator.yaml'];
const ROLLOUT_TIMEOUT_S = 180;
const WEBHOOK_TIMEOUT_MS = 60_000;

interface Definition {
  file: string;
  name: string;
}

function kubectl(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const { CONTEXT = '' } = process.env;
    const context = CONTEXT === '' ? [] : [`--context=${CONTEXT}`];
    const child = execFile(
      'kubectl',
      [...context, ...args],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr.trim() || error.message));
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

async function phase<R>(text: string, work: () => Promise<R>): Promise<R> {
  const spinner = ora({ text, stream: process.stdout }).start();
  try {
    const result = await work();
    spinner.succeed(text);
    return result;
  } catch (error) {
    spinner.fail(text);
    throw error;
  }
}

function apply(yaml: string): Promise<string> {
  return kubectl(['apply', '--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`, '-f', '-'], yaml);
}

function definitions(): Definition[] {
  const directory = join(ROOT, 'crds');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => {
      const file = join(directory, name);
      const [document] = parseAllDocuments(readFileSync(file, 'utf8'));
      return { file, name: String(document?.toJS().metadata.name) };
    });
}

/** Definitions that somebody else (Linkerd, linkerd-smi) has installed: they stay as they are. */
async function foreignDefinitions(): Promise<Set<string>> {
  const [key, value] = OURS;
  const list = JSON.parse(await kubectl(['get', 'customresourcedefinitions', '-o', 'json']));
  const items: { metadata: { name: string; labels?: Record<string, string> } }[] = list.items;
  return new Set(items.filter(({ metadata }) => metadata.labels?.[key] !== value).map(({ metadata }) => metadata.name));
}

async function installDefinitions(): Promise<void> {
  const foreign = await foreignDefinitions();
  const own = definitions().filter(({ name }) => !foreign.has(name));
  for (const { name } of definitions().filter((each) => foreign.has(each.name))) {
    console.log(`  ${name} was installed by somebody else and is left as it is`);
  }
  await phase(`custom resource definitions: ${own.length}`, async () => {
    for (const { file } of own) await apply(readFileSync(file, 'utf8'));
    const names = own.map(({ name }) => `customresourcedefinition/${name}`);
    if (names.length > 0) await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names]);
  });
}

/** Image references and the fingerprint of what the image was made from: a rebuilt image of the same tag restarts the operator. */
function substitutions(): Record<string, string> {
  const { REGISTRY = '', WEFT_IMAGE_PREFIX = 'localhost/', WEFT_IMAGE_TAG = 'dev' } = process.env;
  const prefix = REGISTRY === '' ? WEFT_IMAGE_PREFIX : `${REGISTRY.replace(/\/$/, '')}/`;
  return {
    OPERATOR_IMAGE: `${prefix}weft-operator:${WEFT_IMAGE_TAG}`,
    PROXY_IMAGE: `${prefix}weft-proxy:${WEFT_IMAGE_TAG}`,
    IMAGE_INPUTS: imageInputs(),
  };
}

function imageInputs(): string {
  try {
    return readFileSync(join(ROOT, 'build', 'images', 'weft-operator.tar.inputs'), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function manifest(name: string): string {
  const values = substitutions();
  const text = readFileSync(join(ROOT, 'operator', 'deploy', name), 'utf8');
  return text.replace(/\$\{([A-Z_]+)\}/g, (whole, key: string) =>
    key in values ? JSON.stringify(values[key]) : whole,
  );
}

async function installControlPlane(): Promise<void> {
  await phase('control plane', async () => {
    for (const name of MANIFESTS) await apply(manifest(name));
  });
  await phase('operator is ready', async () => {
    const timeout = `--timeout=${ROLLOUT_TIMEOUT_S}s`;
    await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/weft-operator', timeout]);
  });
  await phase('webhooks are registered', () => waitForWebhooks(Date.now() + WEBHOOK_TIMEOUT_MS));
}

async function waitForWebhooks(deadlineMs: number): Promise<void> {
  for (;;) {
    try {
      await kubectl(['get', ...WEBHOOKS]);
      return;
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** The operator goes first, with its pods: it would make its webhook configurations anew. */
async function uninstall(): Promise<void> {
  const [key, value] = OURS;
  await phase('operator', () =>
    kubectl(['-n', NAMESPACE, 'delete', 'deployment/weft-operator', '--ignore-not-found', '--cascade=foreground']),
  );
  await phase('webhooks', () => kubectl(['delete', '--ignore-not-found', '--timeout=60s', ...WEBHOOKS]));
  await phase('control plane', async () => {
    for (const name of MANIFESTS.toReversed()) {
      await kubectl(['delete', '--ignore-not-found', '--timeout=120s', '-f', '-'], manifest(name));
    }
  });
  await phase('custom resource definitions, and with them all custom resources', async () => {
    const selector = `${key}=${value}`;
    await kubectl(['delete', 'customresourcedefinitions', '--ignore-not-found', '--timeout=120s', '-l', selector]);
  });
}

const command = new Command('install')
  .description('Applies custom resource definitions and control plane to the current cluster.')
  .option('--uninstall', 'removes them')
  .parse();

try {
  if (command.opts<{ uninstall?: boolean }>().uninstall === true) await uninstall();
  else {
    await installDefinitions();
    await installControlPlane();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
