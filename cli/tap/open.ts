import { type TapLine, type TapParameters, type TapTarget, tapPath, tapQuery } from '../../crds/viz/tap.ts';
import { ApiError, type StreamAccess } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import { tapLines } from './read-line.ts';

/**
 * What passes, from now on, until `signal` aborts: then it ends without an error.
 * @throws CliError WEFT_CLI_TAP where the cluster serves no tap, WEFT_CLI_RESOURCE where nothing is meant; else as `Cluster.request`
 */
export async function* openTap(
  cluster: StreamAccess,
  target: TapTarget,
  parameters: TapParameters,
  signal: AbortSignal,
): AsyncGenerator<TapLine> {
  try {
    yield* tapLines(await cluster.stream({ path: tapPath(target), query: tapQuery(target, parameters) }, signal));
  } catch (error) {
    if (!signal.aborted) throw told(error);
  }
}

/** The operator says what it misses, in a Status of its own; where the whole group is missing, the API server says nothing. */
function told(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.status === 404 && error.message.includes('there are no pods of')) {
    return new CliError('WEFT_CLI_RESOURCE', error.detail, error);
  }
  if (error.status === 404 || error.status === 503) {
    return new CliError('WEFT_CLI_TAP', error.detail, error);
  }
  return error;
}
