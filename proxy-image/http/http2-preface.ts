/** What a client of HTTP/2 says first (RFC 9113 section 3.4). */
export const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
