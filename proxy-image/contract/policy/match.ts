/** A text that a header or a query parameter must have: exactly, or by an RE2 expression which must match all of it (Gateway API: HeaderMatchType). */
export type TextMatch = { type: 'exact'; value: string } | { type: 'regex'; regex: string };

/**
 * Which requests a rule is for. The first seven say something about one request; `all`, `any` and `not` combine them (`all` of nothing matches everything,
 * `any` of nothing matches nothing). A proxy that does not know a type fails the rule that it stands in closed.
 *
 * `path` is matched against the path without the query. `path`: an RE2 expression, for all of it (ServiceProfile `pathRegex`, Gateway API
 * `RegularExpression`). `pathExact`: equal text. `pathPrefix`: whole segments (`/v2` is a prefix of `/v2` and `/v2/x`, not of `/v2x`; a `/` at its end has no
 * meaning; Gateway API: PathMatchPathPrefix). `header`: names are lower case; of a repeated header all values, joined by a comma. `query`: names are case
 * sensitive; of a repeated parameter the first counts (Gateway API: HTTPQueryParamMatch). `grpc`: service and method of `/service/method`; empty = any.
 */
export type RequestMatch =
  | { type: 'method'; method: string }
  | { type: 'path'; regex: string }
  | { type: 'pathExact'; path: string }
  | { type: 'pathPrefix'; path: string }
  | { type: 'header'; name: string; value: TextMatch }
  | { type: 'query'; name: string; value: TextMatch }
  | { type: 'grpc'; service: TextMatch | null; method: TextMatch | null }
  | { type: 'all'; of: RequestMatch[] }
  | { type: 'any'; of: RequestMatch[] }
  | { type: 'not'; of: RequestMatch };
