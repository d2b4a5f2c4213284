import { SERVICE_PROFILE } from '../../crds/kinds/service-profile/model.ts';
import { PROFILE_VERSION, type ProfileTarget, profileName } from './service-profile.ts';

/** A profile to be edited, with a comment for everything that may be said in it. It is valid as it stands. */
export function profileTemplate(target: ProfileTarget): string {
  return `### ServiceProfile for ${target.service}.${target.namespace} ###
apiVersion: ${PROFILE_VERSION}
kind: ${SERVICE_PROFILE.kind}
metadata:
  name: ${profileName(target)}
  namespace: ${target.namespace}
spec:
  # The kinds of requests that are told apart in metrics, and treated as
  # written here. They are tried in this order; the first match decides.
  routes:
  # The name in metrics (label rt_route).
  - name: '/authors/{id}'

    # Required: which requests the route takes.
    condition:
      # A regular expression that must match the whole path, without the query.
      pathRegex: '/authors/\\d+'

      # The method, in capitals.
      method: POST

      # Where several fields are set, all of them must hold. The two above say
      # the same as:
      # all:
      # - pathRegex: '/authors/\\d+'
      # - method: POST

      # 'any' needs one of a list to hold; all three may be nested:
      # any:
      # - all:
      #   - method: POST
      #   - pathRegex: '/authors/\\d+'
      # - all:
      #   - not:
      #       method: DELETE
      #   - pathRegex: /info.txt

    # Whether a request may be sent again when its response is a failure. Only
    # for requests that do no harm when they arrive twice.
    # isRetryable: true

    # How responses are counted. The first class whose condition holds decides;
    # where none does, a status from 500 on is a failure, and for gRPC the status
    # in the trailers decides.
    responseClasses:

    # Required: which responses the class takes.
    - condition:
        # Statuses from min to max.
        status:
          min: 500
          max: 599

        # One of the two alone means this status only.
        # status:
        #   min: 404

        # 'all', 'any' and 'not' are there for responses too.
        # all:
        # - status:
        #     min: 500
        #     max: 599
        # - not:
        #     status:
        #       min: 503

      # true: a failure; false or absent: a success.
      isFailure: true

    # How long a request may take, with all its retries. Without it there is no
    # limit.
    # timeout: 250ms

  # How many retries there may be, over all routes: for each request retryRatio
  # of one (0.2 is one retry for five requests), and beside them
  # minRetriesPerSecond, for Services that get few requests. A request counts for
  # ttl: the longer, the larger a burst of retries may be. Without a budget, this
  # one holds:
  # retryBudget:
  #   retryRatio: 0.2
  #   minRetriesPerSecond: 10
  #   ttl: 10s
`;
}
