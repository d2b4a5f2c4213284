import { DescriptionError } from './description-error.ts';

/** A word, number or reference (`google.protobuf.Empty`), a text in quotes, or one other character. */
export interface ProtoToken {
  text: string;
  /** From 1. */
  line: number;
}

/** White space and comments; then one of: a comment that does not end, a word, a text, anything else. */
const TOKEN =
  /(?:\s+|\/\/[^\n]*|\/\*[^*]*\*+(?:[^*/][^*]*\*+)*\/)*(?:(\/\*)|([\w.]+)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(\S))?/y;

/**
 * The tokens of a protobuf definition file, without comments (language specification, "Lexical elements").
 * @throws DescriptionError: a comment or a text that does not end
 */
export function protoTokens(text: string): ProtoToken[] {
  const tokens: ProtoToken[] = [];
  let line = 1;
  let position = 0;
  while (position < text.length) {
    TOKEN.lastIndex = position;
    const [all = '', openComment, word, quoted, other] = TOKEN.exec(text) ?? [];
    const token = word ?? quoted ?? other ?? '';
    line += newlines(all.slice(0, all.length - token.length));
    if (openComment !== undefined) throw new DescriptionError([{ line, message: 'the comment does not end' }]);
    if (other === '"' || other === "'") throw new DescriptionError([{ line, message: 'the text does not end' }]);
    if (token !== '') tokens.push({ text: token, line });
    position += all.length;
  }
  return tokens;
}

function newlines(text: string): number {
  return text.split('\n').length - 1;
}
