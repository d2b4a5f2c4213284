import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import type { CustomResourceManifest } from '../../crds/manifest.ts';
import type { ControlPlane } from './control-plane.ts';

const KEPT = join(import.meta.dirname, '..', 'fixtures', 'releases');

/** An operator's side of a test: its servers, and the models of its cluster. */
export interface OperatorParts {
  ControlPlane: Pick<typeof ControlPlane, 'start'>;
  models: typeof import('./models.ts');
}

/** What is kept of a release (test/fixtures/releases/README.md), unpacked. */
export class OlderRelease {
  readonly #folder = mkdtempSync(join(tmpdir(), 'weft-release-'));

  constructor(revision: number) {
    const kept = join(KEPT, String(revision));
    for (const name of readdirSync(kept)) {
      const text = gunzipSync(readFileSync(join(kept, name)));
      writeFileSync(join(this.#folder, name.replace(/\.gz$/, '')), text);
    }
  }

  /** To be run by Bun. */
  get proxyProgram(): string {
    return join(this.#folder, 'proxy.js');
  }

  definitions(): CustomResourceManifest[] {
    const documents = parseAllDocuments(readFileSync(join(this.#folder, 'definitions.yaml'), 'utf8'));
    return documents.map((document) => document.toJS() as CustomResourceManifest);
  }

  /** Its models have fields of their own: only what both know may be said. */
  async operator(): Promise<OperatorParts> {
    return (await import(pathToFileURL(join(this.#folder, 'operator.js')).href)) as OperatorParts;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
