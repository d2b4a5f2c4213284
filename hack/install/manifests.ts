import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
/** Only what carries this label is ours to change or delete. */
export const OURS = ['app.kubernetes.io/part-of', 'weft'] as const;
/** The root of trust, a namespace of its own: it outlives an uninstallation. */
export const NAMESPACE_MANIFEST = 'namespace.yaml';
/** In this order: what comes later needs what comes before. */
export const MANIFESTS = ['rbac.yaml', 'direct-mode.yaml', 'operator.yaml'] as const;

/** A manifest of the control plane with image references, and the fingerprint of what the image was made from: a rebuilt image of the same tag restarts the operator. */
export function manifest(name: string): string {
  const values = substitutions();
  const text = readFileSync(join(ROOT, 'operator', 'deploy', name), 'utf8');
  return text.replace(/\$\{([A-Z_]+)\}/g, (whole, key: string) =>
    key in values ? JSON.stringify(values[key]) : whole,
  );
}

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
