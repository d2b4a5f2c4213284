/** As a regular expression (RE2, or a pattern of Linkerd's) that matches this text only. */
export function quotePattern(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
