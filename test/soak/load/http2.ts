import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { type Load, type LoadContext, REQUEST_TIMEOUT_MS, Repeating, reasonOf, type Target } from './load.ts';

/** 60 requests a second over four sessions; each session is given up after a minute, so that balancing sees new ones. */
const PERIOD_MS = 17;
const SESSIONS = 4;
const SESSION_LIFE_MS = 60_000;
const BODY = Buffer.alloc(2000, 'h');

interface Held {
  session: ClientHttp2Session;
  untilMs: number;
}

/** Sessions by number, made anew when they have ended, been told to go away, or are old. */
class Sessions {
  readonly #target: Target;
  readonly #held = new Map<number, Held>();

  constructor(target: Target) {
    this.#target = target;
  }

  get(index: number): ClientHttp2Session {
    const held = this.#held.get(index);
    if (held !== undefined && !held.session.closed && !held.session.destroyed && performance.now() < held.untilMs) {
      return held.session;
    }
    held?.session.close();
    const session = connect(`http://${this.#target.host}:${this.#target.port}`);
    // Told by the requests on it.
    session.on('error', () => {});
    session.on('goaway', () => session.close());
    this.#held.set(index, { session, untilMs: performance.now() + SESSION_LIFE_MS });
    return session;
  }

  close(): void {
    for (const { session } of this.#held.values()) session.close();
  }
}

export function startHttp2({ targets, tally }: LoadContext): Load {
  const sessions = new Sessions(targets.http2);
  let count = 0;
  const requests = new Repeating(PERIOD_MS, async () => {
    const problem = await exchange(sessions.get(count++ % SESSIONS)).catch(reasonOf);
    if (problem === null) tally.ok('http2');
    else tally.fail('http2', problem);
  });
  return {
    async stop() {
      await requests.stop();
      sessions.close();
    },
  };
}

function exchange(session: ClientHttp2Session): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/echo' });
    let status = 0;
    let bytes = 0;
    stream.setTimeout(REQUEST_TIMEOUT_MS, () => stream.close(constants.NGHTTP2_CANCEL));
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) resolve(`stream reset with code ${stream.rstCode}`);
      else if (status !== 200) resolve(`status ${status}`);
      else resolve(bytes === BODY.length ? null : `${bytes} bytes instead of ${BODY.length}`);
    });
    stream.end(BODY);
  });
}
