/**
 * The lines that server and client of the Gateway API's conformance suite write, and that the suite reads (`conformance/utils/echo/parse.go`): `Field=value`,
 * headers as `RequestHeader=Name:value`. A client puts `[n]` or `[n body]`, with the number of the request, before each of them, and an empty line behind the
 * last of each response, by which the suite tells the responses of a batch apart.
 */

export type Header = readonly [name: string, value: string];

/** A request as the server saw it. */
export interface Seen {
  /** Of the pod, by which the suite knows the backend. */
  hostname: string;
  port: number;
  /** `Host` or `:authority`. */
  authority: string;
  /** As it came, with the query. */
  path: string;
  method: string;
  /** `HTTP/1.1`, `HTTP/2.0`, `GRPC` */
  protocol: string;
  /** The client's address as the server sees it. */
  ip: string;
  /** As they came, a repeated name once for each value. */
  headers: readonly Header[];
}

/** What a server answers. */
export function seenText(seen: Seen): string {
  const lines = [
    `ServicePort=${seen.port}`,
    `Host=${seen.authority}`,
    `URL=${seen.path}`,
    `Method=${seen.method}`,
    `Proto=${seen.protocol}`,
    `IP=${seen.ip}`,
    ...seen.headers.map(([name, value]) => `RequestHeader=${name}:${value}`),
    `Hostname=${seen.hostname}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** A call of gRPC has no status of HTTP; the suite takes 200 for OK from the server's text. */
export function seenCallText(seen: Seen): string {
  return `StatusCode=200\n${seenText(seen)}`;
}

/** A response as the client saw it. */
export interface Received {
  url: string;
  /** `null` for a call of gRPC. */
  status: number | null;
  headers: readonly Header[];
  body: string;
}

/** What a client prints of its request `index`, without the empty line. */
export function receivedText(index: number, { url, status, headers, body }: Received): string {
  const lines = [
    `[${index}] Url=${url}`,
    ...(status === null ? [] : [`[${index}] StatusCode=${status}`]),
    ...headers.map(([name, value]) => `[${index}] ResponseHeader=${name}:${value}`),
    ...body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `[${index} body] ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Pairs of Node's `rawHeaders`, without pseudo-headers and without `Host`, which is a field of its own. */
export function headersOf(raw: readonly string[]): Header[] {
  const headers: Header[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    if (!name.startsWith(':') && name.toLowerCase() !== 'host') headers.push([name, raw[i + 1]!]);
  }
  return headers;
}
