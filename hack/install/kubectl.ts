import { execFile } from 'node:child_process';
import ora from 'ora';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';

/** Lists of all definitions of a large cluster. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

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
