/**
 * Runs the sample application's program as a pod of the embedded mode would: its Services, its proxy, its identity.
 *
 *   WEFT_LOCAL=DIRECTORY node hack/local/exec.ts POD|deploy/NAME ARGUMENT...
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loopbackAddress, rewriteUrls } from './addresses.ts';
import type { PodRecord } from './record.ts';

function recordOf(directory: string, target: string): PodRecord {
  const prefix = target.replace(/^(deploy|pod|deployment)\//, '');
  const pods = join(directory, 'pods');
  const named = readdirSync(pods).filter((name) => name === prefix || name.startsWith(`${prefix}-`));
  const running = named.filter((name) => readdirSync(join(pods, name)).includes('pod.json'));
  const newest = running.sort((a, b) => statSync(join(pods, b)).mtimeMs - statSync(join(pods, a)).mtimeMs)[0];
  if (newest === undefined) throw new Error(`no running pod for ${target} in ${pods}`);
  return JSON.parse(readFileSync(join(pods, newest, 'pod.json'), 'utf8')) as PodRecord;
}

const [target = '', ...args] = process.argv.slice(2);
const directory = process.env['WEFT_LOCAL'] ?? '';
if (directory === '' || target === '') {
  console.error('usage: WEFT_LOCAL=DIRECTORY exec.ts POD|deploy/NAME ARGUMENT...');
  process.exit(2);
}
const record = recordOf(directory, target);
const own = loopbackAddress(record.number);
const rewritten = args.map((arg) => rewriteUrls(arg, record.number, record.services).replaceAll('127.0.0.1', own));
const entry = join(import.meta.dirname, '..', '..', 'samples', 'app', 'main.ts');
const env = { ...process.env, CONTROL_HOST: own };
const child = spawn(process.execPath, [entry, ...rewritten], { stdio: 'inherit', env });
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
