import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { clientOptions, serverOptions } from '../../../hack/gateway-api/echo/arguments.ts';
import { sendAll } from '../../../hack/gateway-api/echo/client.ts';
import { ECHO_PATH, framed, textOf } from '../../../hack/gateway-api/echo/grpc.ts';
import { receivedText, seenText } from '../../../hack/gateway-api/echo/report.ts';
import { grpcServer, httpServer, tcpServer } from '../../../hack/gateway-api/echo/server.ts';

/** What the suite takes from the output of a client (`conformance/utils/echo/parse.go`): the first match of each field, headers by name in any case. */
interface Parsed {
  code: string;
  hostname: string;
  host: string;
  url: string;
  requestHeaders: Record<string, string[]>;
  responseHeaders: Record<string, string>;
}

function parse(output: string): Parsed {
  const first = (field: string) => new RegExp(`${field}=(.*)`).exec(output)?.[1] ?? '';
  const pairs = (field: string) =>
    [...output.matchAll(new RegExp(`${field}=(.*)`, 'g'))].map(([, pair]) => {
      const colon = pair!.indexOf(':');
      return [pair!.slice(0, colon).toLowerCase(), pair!.slice(colon + 1)] as const;
    });
  const requestHeaders: Record<string, string[]> = {};
  for (const [name, value] of pairs('RequestHeader')) {
    requestHeaders[name] = [...(requestHeaders[name] ?? []), value];
  }
  return {
    code: first('StatusCode'),
    hostname: first('Hostname'),
    host: first('Host'),
    url: first('URL'),
    requestHeaders,
    responseHeaders: Object.fromEntries(pairs('ResponseHeader')),
  };
}

/** The responses of a batch are told apart by empty lines. */
const parseAll = (output: string) =>
  output
    .split('\n\n')
    .filter((section) => section.trim() !== '')
    .map(parse);

describe("the stand-in for the conformance suite's image", () => {
  const closing: (() => void)[] = [];

  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  async function listening(server: Server): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  async function client(...args: string[]): Promise<string> {
    let output = '';
    await sendAll(clientOptions(args), (part) => {
      output += part;
    });
    return output;
  }

  async function failure(...args: string[]): Promise<string> {
    return client(...args).then(
      (output) => `no failure: ${output}`,
      (error: unknown) => String(error),
    );
  }

  async function serving(listener: RequestListener): Promise<number> {
    const server = createServer(listener);
    closing.push(() => server.closeAllConnections());
    return listening(server);
  }

  describe('over HTTP', () => {
    it('tells the suite status, pod, host, path with query, and every header of the request', async () => {
      const port = await listening(httpServer());
      const url = `http://127.0.0.1:${port}/a//b?animal=whale&x=%2F`;
      const {
        code,
        hostname: pod,
        host,
        url: path,
        requestHeaders,
        responseHeaders,
      } = parse(await client(url, '--method=GET', '-H', 'X-Header-Set:some: value', '-H', 'Version:two'));
      expect({ code, pod, host, path }).to.deep.equal({
        code: '200',
        pod: hostname(),
        host: `127.0.0.1:${port}`,
        path: '/a//b?animal=whale&x=%2F',
      });
      expect(requestHeaders['x-header-set']).to.deep.equal(['some: value']);
      expect(requestHeaders['version']).to.deep.equal(['two']);
      expect(requestHeaders['host']).to.equal(undefined);
      expect(responseHeaders['content-type']).to.equal('text/plain');
    });

    it('shows a repeated header once for each value', async () => {
      const port = await listening(httpServer());
      const socket = connect(port, '127.0.0.1');
      socket.end('GET / HTTP/1.1\r\nHost: a\r\nX-Add: one\r\nx-add: two\r\nConnection: close\r\n\r\n');
      expect(parse(await text(socket)).requestHeaders['x-add']).to.deep.equal(['one', 'two']);
    });

    it('sends the Host it is told to, to the address in the URL', async () => {
      const port = await listening(httpServer());
      expect(parse(await client(`http://127.0.0.1:${port}`, '-H', 'Host:echo-v1')).host).to.equal('echo-v1');
    });

    it('sends a batch over one connection, and tells its responses apart', async () => {
      let connections = 0;
      const server = httpServer().on('connection', () => {
        connections++;
      });
      const output = await client(`http://127.0.0.1:${await listening(server)}/`, '--count=500');
      const responses = parseAll(output);
      expect(responses).to.have.length(500);
      expect(new Set(responses.map(({ code, hostname: pod }) => `${code} ${pod}`))).to.deep.equal(
        new Set([`200 ${hostname()}`]),
      );
      expect(connections).to.equal(1);
    });

    it('takes a redirect or a refusal for the response, without a pod', async () => {
      const port = await serving((request, response) => {
        response.writeHead(request.url === '/moved' ? 302 : 404, { Location: 'http://example.org/' }).end();
      });
      const { code, hostname: pod, responseHeaders } = parse(await client(`http://127.0.0.1:${port}/moved`));
      expect([code, pod, responseHeaders['location']]).to.deep.equal(['302', '', 'http://example.org/']);
      expect(parse(await client(`http://127.0.0.1:${port}/`)).code).to.equal('404');
    });

    it('fails where nobody answers, or not in time', async () => {
      const port = await serving(() => {});
      expect(await failure(`http://127.0.0.1:${port}/`, '--timeout=0.1s')).to.contain('Abort');
      const refusing = await listening(tcpServer());
      closing.splice(-1)[0]!();
      expect(await failure(`http://127.0.0.1:${refusing}/`)).to.contain('ECONNREFUSED');
    });

    it('serves HTTP/2 with prior knowledge on the same port', async () => {
      const session = connectHttp2(`http://127.0.0.1:${await listening(httpServer())}`);
      const stream = session.request({ ':path': '/h2', 'x-one': '1' });
      const answer = await text(stream);
      session.close();
      expect(answer).to.contain('Proto=HTTP/2.0\n').and.to.contain('RequestHeader=x-one:1\n');
      expect(parse(answer).url).to.equal('/h2');
    });
  });

  describe('over gRPC', () => {
    it('tells the suite 200, the pod and the metadata of every call of a batch', async () => {
      const url = `grpc://127.0.0.1:${await listening(grpcServer())}`;
      const responses = parseAll(await client(url, '-H', 'x-one:1', '--count=20'));
      expect(responses).to.have.length(20);
      for (const { code, hostname: pod, host, requestHeaders } of responses) {
        expect([code, pod, host]).to.deep.equal(['200', hostname(), url.slice('grpc://'.length)]);
        expect(requestHeaders['x-one']).to.deep.equal(['1']);
      }
    });

    it('fails where the call has another status than OK', async () => {
      const server = createHttp2Server();
      server.on('stream', (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 200, 'grpc-status': 12 }, { endStream: true });
      });
      expect(await failure(`grpc://127.0.0.1:${await listening(server)}`)).to.contain('grpc-status 12');
    });

    it('refuses other methods, and what is not one message', async () => {
      const session = connectHttp2(`http://127.0.0.1:${await listening(grpcServer())}`);
      const statusOf = async (path: string, body: Buffer) => {
        const stream = session.request({ ':method': 'POST', ':path': path }).end(body);
        const [headers] = (await once(stream.resume(), 'response')) as [Record<string, unknown>];
        return headers['grpc-status'];
      };
      expect(await statusOf('/proto.EchoTestService/Other', framed('a'))).to.equal('12');
      expect(await statusOf(ECHO_PATH, Buffer.from('not a message'))).to.equal('3');
      session.close();
    });

    it('reads the messages that it writes, of any length, and no others', () => {
      for (const length of [0, 1, 127, 128, 300, 20_000]) {
        const message = 'ü'.repeat(length);
        expect(textOf(framed(message))).to.equal(message);
      }
      const message = framed('hello');
      // Field 1, five bytes (Protocol Buffers, "Encoding").
      expect(message.toString('hex')).to.equal('00000000070a0568656c6c6f');
      for (const wrong of [
        message.subarray(0, 9),
        Buffer.concat([message, Buffer.alloc(1)]),
        Buffer.from('01000000070a0568656c6c6f', 'hex'),
        Buffer.from('0000000007120568656c6c6f', 'hex'),
        Buffer.from('00000000070a0668656c6c6f', 'hex'),
      ]) {
        expect(textOf(wrong), wrong.toString('hex')).to.equal(null);
      }
    });
  });

  it('sends back what comes over TCP', async () => {
    const socket = connect(await listening(tcpServer()), '127.0.0.1');
    socket.end('hello');
    expect(await text(socket)).to.equal('hello');
  });

  it('takes the arguments of the suite’s Deployments, and serves the usual ports where there are none', () => {
    const args = '--tcp=9090 --port=8080 --grpc=7070 --port=8443 --tls=8443 --crt=/cert.crt --key=/cert.key';
    const ports = { http: [8080], grpc: [7070], tcp: [9090] };
    expect(serverOptions(args.split(' '))).to.deep.equal(ports);
    expect(serverOptions([])).to.deep.equal(ports);
  });

  it('takes a URL without a path for the root, and refuses what it cannot send', () => {
    expect(clientOptions(['http://echo']).path).to.equal('/');
    expect(clientOptions(['http://echo:80?a=b']).path).to.equal('/?a=b');
    expect(() => clientOptions(['ftp://echo/'])).to.throw('ftp:');
    expect(() => clientOptions(['http://echo/', '-H', 'novalue'])).to.throw('name:value');
  });

  it('writes nothing that the suite would take for another field', () => {
    const seen = seenText({
      hostname: 'pod',
      port: 1,
      authority: 'echo',
      path: '/',
      method: 'GET',
      protocol: 'HTTP/1.1',
      ip: '::1',
      headers: [['A', 'b']],
    });
    const {
      host,
      hostname: pod,
      url,
      responseHeaders,
    } = parse(receivedText(0, { url: 'http://echo/', status: 200, headers: [], body: seen }));
    expect({ host, pod, url, responseHeaders }).to.deep.equal({
      host: 'echo',
      pod: 'pod',
      url: '/',
      responseHeaders: {},
    });
  });
});
