/** What a request is told that none of the rules is for, by the operator's word or the proxy's own. */
export const NO_RULE_MATCHES = 'no route matches the request';

/** … and one whose backend is not there (yet). */
export const BACKEND_ABSENT = 'the backend does not exist';
