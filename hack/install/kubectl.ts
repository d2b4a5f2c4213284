import { execFile } from 'node:child_process';
import ora from 'ora';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import { CodedError } from '../../proxy-image/contract/errors.ts';

const FIELD_MANAGER = 'weft-install';
/** Lists of all pods of a large cluster. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** kubectl's words for a field that another manager set to another value (`kubectl apply --server-side`). */
const CONFLICT = /conflicts? with "[^"]+"/;

/** @throws ControlPlaneError WEFT_INSTALL_KUBECTL with what kubectl wrote */
export function kubectl(args: readonly string[], input = ''): Promise<string> {
  const { CONTEXT = '' } = process.env;
  const context = CONTEXT === '' ? [] : [`--context=${CONTEXT}`];
  return new Promise((resolve, reject) => {
    const child = execFile(
      'kubectl',
      [...context, ...args],
      { maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new ControlPlaneError('WEFT_INSTALL_KUBECTL', stderr.trim() || error.message));
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

export async function getJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as T;
}

/**
 * Server-side apply: fields that the manifest does not name stay as they are. A field that somebody else has set to another value stays too, unless `force`
 * takes it.
 * @throws ControlPlaneError WEFT_INSTALL_CONFLICT naming fields and managers; nothing of the failed document was changed then
 */
export async function apply(yaml: string, force: boolean): Promise<void> {
  const forced = force ? ['--force-conflicts'] : [];
  try {
    await kubectl(['apply', '--server-side', ...forced, `--field-manager=${FIELD_MANAGER}`, '-f', '-'], yaml);
  } catch (error) {
    if (!(error instanceof CodedError) || !CONFLICT.test(error.message)) throw error;
    throw new ControlPlaneError('WEFT_INSTALL_CONFLICT', conflicts(error.message), error);
  }
}

/** The lines of kubectl's message that name fields and managers, without its advice. */
function conflicts(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => CONFLICT.test(line) || line.startsWith('- .')).join(' ');
}

/** Shows what is being done, and whether it was. */
export async function phase<R>(text: string, work: () => Promise<R>): Promise<R> {
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
