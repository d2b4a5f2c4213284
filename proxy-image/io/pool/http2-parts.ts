// Whoever speaks HTTP/2 sends heads on through the bridge: what translates comes with it, so that both share their files in the image.
import '../../codec/bridge/translate.ts';

/** What HTTP/2 consists of for everybody else: loaded by `Http2Engine`, and in the image a file of its own. */
export { Http2Session } from '../../codec/http2/session.ts';
export { MultiplexedHost } from './multiplexed-host.ts';
