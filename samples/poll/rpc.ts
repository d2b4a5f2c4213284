import {
  type Client,
  type Server,
  ServerCredentials,
  type ServerUnaryCall,
  status as Status,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { Method } from './api.ts';
import type { Counts } from './counts.ts';

/** A call that ends with a status other than OK: thrown by what answers, and by `call` to who has called. */
export class Refusal extends Error {
  readonly status: Status;

  constructor(status: Status, details: string) {
    super(details);
    this.status = status;
  }
}

/** Adds a method to a server; each of its calls is counted by path and status. */
export function serve<Request, Response>(
  server: Server,
  counts: Counts,
  method: Method<Request, Response>,
  answer: (request: Request) => Response,
): void {
  const handle = ({ request }: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    const { status, response, details } = outcomeOf(answer, request);
    counts.received(method.path, status);
    if (response === undefined) done({ code: status, details });
    else done(null, response);
  };
  server.register(method.path, handle, method.responseSerialize, method.requestDeserialize, 'unary');
}

function outcomeOf<Request, Response>(
  answer: (request: Request) => Response,
  request: Request,
): { status: Status; response?: Response; details: string } {
  try {
    return { status: Status.OK, response: answer(request), details: '' };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, details: error.message };
  }
}

/** Resolves with the port when the server takes calls. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
}

/** No new calls; resolves when those under way are answered. */
export function shutdown(server: Server): Promise<void> {
  return new Promise((resolve) => server.tryShutdown(() => resolve()));
}

const TIMEOUT_MS = 5000;

/** Calls are counted one by one, so the library must not send any of them twice. */
export const CHANNEL_OPTIONS = { 'grpc.enable_retries': 0 };

/** One call, counted by path and status. Rejects with a `Refusal`. */
export function call<Request, Response>(
  client: Client,
  counts: Counts,
  method: Method<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method;
    const options = { deadline: Date.now() + TIMEOUT_MS };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, (error, response) => {
      counts.sent(path, error?.code ?? Status.OK);
      if (error !== null) reject(new Refusal(error.code, error.details));
      else if (response === undefined) reject(new Refusal(Status.INTERNAL, 'no message'));
      else resolve(response);
    });
  });
}
