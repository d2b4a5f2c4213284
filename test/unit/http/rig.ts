import { HttpBridge } from '../../../proxy-image/codec/bridge/bridge.ts';
import { HeaderList } from '../../../proxy-image/codec/http2/hpack/header-list.ts';
import type { Http2Request } from '../../../proxy-image/codec/http2/request.ts';
import type { Http2Response } from '../../../proxy-image/codec/http2/response.ts';
import type { Answer } from '../../../proxy-image/http/answer.ts';
import type { AttemptFailure, ExchangeEnd, HttpCall } from '../../../proxy-image/http/call.ts';
import {
  Exchange,
  type ExchangeContext,
  type ExchangeServer,
  type ExchangeUpstream,
} from '../../../proxy-image/http/exchange.ts';
import { NO_EXTRA_FIELDS } from '../../../proxy-image/http/message.ts';
import { ReplayMemory } from '../../../proxy-image/http/replay.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeTimers } from '../../fakes/timers.ts';
import { requestOf, responseOf } from '../../support/http2.ts';

export function listOf(fields: readonly (readonly [string, string])[]): HeaderList {
  const names = fields.map(([name]) => name);
  const values = fields.map(([, value]) => value);
  return new HeaderList(names, values, 0);
}

export function http2Request(...fields: [string, string][]): Http2Request {
  const pseudo: [string, string][] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'web'],
  ];
  const request = requestOf(listOf([...pseudo.filter(([name]) => !fields.some(([own]) => own === name)), ...fields]));
  if (typeof request === 'number') throw new Error(`no request: ${request}`);
  return request;
}

export function http2Response(...fields: [string, string][]): Http2Response {
  const response = responseOf(listOf([[':status', '200'], ...fields]));
  if (typeof response === 'number') throw new Error(`no response: ${response}`);
  return response;
}

/** What an upstream was given, as text. */
export class FakeUpstream implements ExchangeUpstream {
  readonly said: string[] = [];
  /** Of the body. */
  text = '';
  /** Whether it has room. */
  takes = true;

  begin(): void {
    this.said.push('begin');
  }
  writeHead(bytes: Buffer, from: number, to: number, end: boolean): boolean {
    this.said.push(end ? 'head end' : 'head');
    this.text += bytes.toString('latin1', from, to);
    return this.takes;
  }
  write(bytes: Buffer, from: number, to: number): boolean {
    this.text += bytes.toString('latin1', from, to);
    return this.takes;
  }
  finish(): void {
    this.said.push('finish');
  }
  resume(): void {
    this.said.push('resume');
  }
  abandon(): void {
    this.said.push('abandon');
  }
}

/** Both sides of one exchange after the other, and the call of each, faked. */
export class ExchangeRig implements ExchangeServer, HttpCall {
  readonly protocol = 'http2';
  readonly framed = false;
  readonly reading = false;
  readonly clock: FakeClock = new FakeClock();
  readonly replay: ReplayMemory;
  readonly exchange: Exchange;
  readonly said: string[] = [];
  failures: AttemptFailure[] = [];
  ends: ExchangeEnd[] = [];
  held = false;
  passesOn = true;

  constructor(replay: ReplayMemory = new ReplayMemory()) {
    this.replay = replay;
    const context: ExchangeContext = { timers: new FakeTimers(this.clock), replay, bridge: new HttpBridge() };
    this.exchange = new Exchange(context);
  }

  begin(retain = true): void {
    this.exchange.begin(this, http2Request());
    this.exchange.call = this;
    this.exchange.retain = retain;
    this.exchange.prepare(NO_EXTRA_FIELDS, 'web:80');
  }

  body(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.exchange.requestRange(bytes, 0, bytes.length);
    bytes.fill(0x21);
  }

  holdRequest(): void {
    this.held = true;
  }
  resumeRequest(): void {
    this.held = false;
  }
  interim(): void {}
  respond(): void {
    this.said.push('head');
  }
  write(): boolean {
    return true;
  }
  flush(): boolean {
    return true;
  }
  takeBack(): boolean {
    return false;
  }
  endResponse(): void {
    this.said.push('end');
  }
  writeAnswer(answer: Answer): boolean {
    this.said.push(`answer ${answer.status}`);
    return true;
  }
  tunnel(): void {}
  exchangeEnded(): void {
    this.said.push('over');
  }

  responded(): boolean {
    return this.passesOn;
  }
  attemptFailed(failure: AttemptFailure): void {
    this.failures.push(failure);
  }
  ended(end: ExchangeEnd): void {
    this.ends.push(end);
  }
}
