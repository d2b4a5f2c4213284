import { Duplex, PassThrough, Writable } from 'node:stream';
import { KubeConfig, PortForward } from '@kubernetes/client-node';
import { CliError } from '../errors.ts';
import { ApiError, type PodName } from './cluster.ts';

type Headers = Readonly<Record<string, string | string[]>>;

export interface ForwardOptions {
  /** Sent beside the credentials. */
  headers: Headers;
  /** Until the API server has agreed. */
  timeoutMs: number;
}

/** `pods/portforward` over a WebSocket (Kubernetes: `v4.channel.k8s.io`). */
export async function forward(
  config: KubeConfig,
  { namespace, name }: PodName,
  port: number,
  options: ForwardOptions,
): Promise<Duplex> {
  let close = () => {};
  const toPod = new PassThrough();
  const connection = new Duplex({
    read: () => {},
    write: (chunk, encoding, done) => void toPod.write(chunk, encoding, done),
    final: (done) => void toPod.end(done),
    destroy: (error, done) => {
      close();
      done(error);
    },
  });
  // A refusal may come before anybody listens: then it stands in `errored`.
  connection.on('error', () => {});
  const fromPod = sink((chunk) => void connection.push(chunk));
  // What the node says of a connection that could not be made.
  const refused = sink((words) => {
    connection.destroy(new CliError('WEFT_CLI_POD', `${namespace}/${name}: ${words.toString().trim().slice(0, 500)}`));
  });
  try {
    const forwarder = new PortForward(new Asking(config, options));
    const socket = await forwarder.portForward(namespace, name, [port], fromPod, refused, toPod);
    if (typeof socket !== 'function') {
      close = () => socket.close();
      socket.onclose = () => void connection.push(null);
    }
  } catch (error) {
    throw refusalOf(error, `pods/portforward of ${namespace}/${name}`, config.getCurrentCluster()?.server ?? '');
  }
  return connection;
}

/** Empty chunks open a stream, and say nothing. */
function sink(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.length > 0) take(chunk);
      done();
    },
  });
}

/** The library hides everything of a refusal but the status. */
function refusalOf(error: unknown, what: string, server: string): CliError {
  const message = messageOf(error);
  const status = /^Unexpected server response: (\d{3})$/.exec(message)?.[1];
  if (status !== undefined) return new ApiError(Number(status), '', `${status} to ${what}`);
  return new CliError('WEFT_CLI_UNREACHABLE', `${server}: ${message}`, error);
}

/** An event of the WebSocket, which is no error but has its words. */
function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

/** The kubeconfig with headers of ours. */
class Asking extends KubeConfig {
  readonly #options: ForwardOptions;

  constructor({ clusters, users, contexts, currentContext }: KubeConfig, options: ForwardOptions) {
    super();
    this.loadFromOptions({ clusters, users, contexts, currentContext });
    this.#options = options;
  }

  override async applyToHTTPSOptions(options: Parameters<KubeConfig['applyToHTTPSOptions']>[0]): Promise<void> {
    await super.applyToHTTPSOptions(options);
    const { headers, timeoutMs } = this.#options;
    Object.assign(options, { headers: { ...options.headers, ...headers }, handshakeTimeout: timeoutMs });
  }
}
