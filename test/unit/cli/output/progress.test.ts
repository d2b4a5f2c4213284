import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { expect } from 'chai';
import type { Context } from '../../../../cli/context.ts';
import { waiting } from '../../../../cli/output/progress.ts';
import { eventually } from '../../../support/eventually.ts';

describe('what is said while something is waited for', () => {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
  });

  /** As a terminal is, as far as a spinner looks at it. */
  function contextOf(env: Record<string, string> = {}): Context {
    const terminal = {
      isTTY: true,
      columns: 80,
      write: (text: string) => void written.push(text),
      cursorTo: () => void written.push('cursor'),
      clearLine: () => void written.push('clear'),
      moveCursor: () => undefined,
    };
    const stderr = {
      write: () => {},
      terminal: terminal as unknown as WriteStream,
      unread: new AbortController().signal,
    };
    return { stderr, env } as unknown as Context;
  }

  it('is nothing where it is done soon, and on a terminal that wants plain text', async () => {
    expect(await waiting(contextOf(), 'asking', async () => 42)).to.equal(42);
    for (const [name, value] of [
      ['NO_COLOR', '1'],
      ['CI', 'true'],
      ['TERM', 'dumb'],
    ] as const) {
      await waiting(contextOf({ [name]: value }), 'asking', () => sleep(50), 10);
    }
    expect(written).to.deep.equal([]);
  });

  it('is a spinner where it lasts, which leaves nothing behind, also when it fails', async () => {
    const failing = async () => {
      await eventually('the spinner is seen', () => written.join('').includes('asking'), 10_000);
      throw new Error('refused');
    };
    await waiting(contextOf(), 'asking', failing, 10).then(
      () => expect.fail(),
      (error: Error) => expect(error.message).to.equal('refused'),
    );
    const count = written.length;
    await sleep(200);
    expect(written.length).to.equal(count);
    expect(written.at(-1)).to.not.include('asking');
  });
});
