import type { TapPeer, TapQuestion } from '../../../contract/tap/question.ts';
import type { Rng } from '../../../core/rng.ts';
import type { RequestView } from '../../../http/message.ts';
import { schemeOf } from './heads.ts';

type Direction = 'inbound' | 'outbound';
type Labels = Readonly<Record<string, string>>;

const TWO_32 = 0x1_0000_0000;

/** What of the traffic is wanted. */
export class TapFilter {
  readonly #question: TapQuestion;
  readonly #authority: string;

  constructor(question: TapQuestion) {
    this.#question = question;
    this.#authority = question.authority.toLowerCase();
  }

  /** Calls of the pod, or to it. */
  takesDirection(direction: Direction): boolean {
    const { direction: wanted, to, from } = this.#question;
    if (to !== null && direction !== 'outbound') return false;
    if (from !== null && direction !== 'inbound') return false;
    return wanted === null || wanted === direction;
  }

  /** … as far as the head of a request tells. */
  takesHead(head: RequestView): boolean {
    const { scheme, method, path } = this.#question;
    if (method !== '' && head.method !== method) return false;
    if (path !== '' && !head.target.startsWith(path)) return false;
    if (this.#authority !== '' && head.host.toLowerCase() !== this.#authority) return false;
    return scheme === '' || schemeOf(head) === scheme;
  }

  /** What is carried as bytes has none of what a head tells. */
  get takesStreams(): boolean {
    const { scheme, method, path } = this.#question;
    return scheme === '' && method === '' && path === '' && this.#authority === '';
  }

  /** Whom a call goes to, or comes from. */
  takesPeer(direction: Direction, ip: string, labels: Labels): boolean {
    const peer = direction === 'outbound' ? this.#question.to : this.#question.from;
    return peer === null || matches(peer, ip, labels);
  }

  drawn(rng: Rng): boolean {
    const { share } = this.#question;
    return share === 1 || rng.uint32() < share * TWO_32;
  }
}

function matches({ labels, addresses }: TapPeer, ip: string, actual: Labels): boolean {
  if (addresses.length > 0 && !addresses.includes(ip)) return false;
  for (const [name, value] of Object.entries(labels)) {
    if (!Object.hasOwn(actual, name) || actual[name] !== value) return false;
  }
  return true;
}
