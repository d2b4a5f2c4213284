/** Of Linkerd's policies, and of the HTTPRoute that it had before the Gateway API's was stable. */
export const POLICY_GROUP = 'policy.linkerd.io';
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';
