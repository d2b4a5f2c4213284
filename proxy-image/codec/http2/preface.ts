import { HTTP2_PREFACE } from '../../http/http2-preface.ts';

export const PREFACE: Buffer = Buffer.from(HTTP2_PREFACE, 'latin1');
