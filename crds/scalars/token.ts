/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Names of header fields (RFC 9110, section 5.1). */
export function isFieldName(text: string): boolean {
  return text.length <= 256 && TOKEN.test(text);
}

/** RFC 9110, section 9.1; registered ones have at most 17 characters. */
export function isMethod(text: string): boolean {
  return text.length <= 64 && TOKEN.test(text);
}
