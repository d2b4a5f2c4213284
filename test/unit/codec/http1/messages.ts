/** Requests that are accepted, and what is wrong with others: seeds of the property tests and of the fuzzer. */
export const GOOD_REQUESTS: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: web\r\n\r\n',
  'GET /a/b?c=d&e=%20 HTTP/1.1\r\nHost: web:8080\r\nAccept: */*\r\nX-Empty:\r\n\r\n',
  'GET http://web/absolute HTTP/1.1\r\nHost: web\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: web\r\n\r\n',
  'POST /p HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello',
  'POST /p HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n',
  'POST /c HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'POST /c HTTP/1.1\r\nHost: web\r\ntransfer-encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n00a ;x="y"\r\n0123456789\r\n0;z\r\nX-Sum: 1\r\nHost: no\r\n\r\n',
  'GET /hop HTTP/1.1\r\nHost: web\r\nConnection: keep-alive, X-A\r\nX-A: 1\r\nKeep-Alive: 5\r\nl5d-client-id: forged\r\nX-B:  2 \r\n\r\n',
  '\r\nGET /empty-line-first HTTP/1.1\r\nHost: web\r\n\r\n',
  'GET http://other:81?q HTTP/1.1\r\nX-A: 1\r\nHost: web\r\n\r\n',
  'OPTIONS http://web HTTP/1.1\r\nHost: web\r\nMax-Forwards: 3\r\nTE: gzip, trailers\r\nConnection: TE\r\n\r\n',
  'GET /gr\xc3\xbc\xc3\x9fe?\x85\xa0 HTTP/1.1\r\nHost:\r\n\r\n',
  'POST /old HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
  'PUT /e HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
];

export const BAD_REQUESTS: readonly string[] = [
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\nHost: web\n\n',
  'GET /#a HTTP/1.1\r\nHost: web\r\n\r\n',
  'GET / HTTP/2.0\r\nHost: web\r\n\r\n',
  'CONNECT web HTTP/1.1\r\nHost: web\r\n\r\n',
  'CONNECT web:443 HTTP/1.1\r\nHost: web\r\nContent-Length: 1\r\n\r\na',
  'GET / HTTP/1.1\r\nHost: web\r\nHost: web\r\n\r\n',
  'GET / HTTP/1.1\r\nHost : web\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: web\r\nX: 1\r\n 2\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3, 3\r\n\r\nabc',
  'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: web\r\nX: \0\r\n\r\n',
  'get\r\n\r\n',
];

export const GOOD_RESPONSES: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200\r\nContent-Length: 0\r\nServer: x\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\nETag: "1"\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\ngrpc-status: 0\r\nHost: no\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-A\r\nX-A: 1\r\nl5d-x: forged\r\n\r\nok',
];
