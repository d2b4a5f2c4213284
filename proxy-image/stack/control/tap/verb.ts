import { checkTapQuestion } from '../../../contract/tap/check-question.ts';
import type { TapListening } from '../../../contract/tap/events.ts';
import type { Timer, TimerOwner, Timers } from '../../../io/transport/types.ts';
import type { ControlAnswers, ControlVerb } from '../host/answers.ts';
import { TapHub } from './hub.ts';
import { Tap } from './tap.ts';

/** Who may listen to one proxy at a time: a few people, by each of whom the traffic is looked at. */
export const MAX_TAPS = 8;

/** Between two signs of life. */
const LIFE_MS = 15_000;
const LISTENING: TapListening = { type: 'listening' };

/** Tells of the traffic until whoever asked has gone, or is not wanted any more. */
export const tap: ControlVerb = (host, about, answers) => {
  const { state, transport, rng } = host.context.options;
  const { timers } = transport;
  const checked = checkTapQuestion(about);
  const hub = TapHub.of(host);
  if (state.settings.tapRedacts === null) answers.refuse('disabled');
  else if ('problems' in checked) answers.refuse('malformed', checked.problems);
  else if (hub.size >= MAX_TAPS) answers.refuse('busy', [`${MAX_TAPS} listen already`]);
  else {
    const listener = new Tap(checked.question, answers, { timers, rng, redacts: () => state.settings.tapRedacts });
    hub.add(listener);
    const signs = new SignsOfLife(timers, answers);
    return {
      drained: () => listener.drained(),
      closed: () => {
        signs.stop();
        listener.closed();
        hub.remove(listener);
      },
    };
  }
  return null;
};

/** Whoever asked may be gone without a word: what he is sent is not taken then, and the connection ends. Without traffic nothing else is sent. */
class SignsOfLife implements TimerOwner {
  readonly #timers: Timers;
  readonly #answers: ControlAnswers;
  readonly #timer: Timer;

  constructor(timers: Timers, answers: ControlAnswers) {
    this.#timers = timers;
    this.#answers = answers;
    this.#timer = timers.create(this);
    this.onTimer();
  }

  onTimer(): void {
    if (this.#answers.pendingBytes === 0) this.#answers.tell(LISTENING);
    this.#timers.set(this.#timer, LIFE_MS);
  }

  stop(): void {
    this.#timers.clear(this.#timer);
  }
}
