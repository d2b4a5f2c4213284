/** What HTTP/2 consists of for everybody else: loaded by `http2Parts`, and in the image a file of its own. */
export { Http2Session } from '../codec/http2/session.ts';
export { MultiplexedHost } from './pool/multiplexed-host.ts';
