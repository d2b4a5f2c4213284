/**
 * For each alert: series that make it fire, and that clear it. A value stands for ten seconds; the notation is promtool's: `0+5x60` is 61 values that grow by 5,
 * `_x60` are 60 absent ones.
 */
export interface AlertCase {
  alert: string;
  /** What is special about this case. */
  when?: string;
  series: Readonly<Record<string, string>>;
  /** Not yet, though the condition holds already (`for`); null where there is nothing to wait for. */
  notYetAt: string | null;
  firesAt: string;
  clearedAt: string;
}

const PROXY = 'job="linkerd-proxy", namespace="shop", pod="web-1"';
const WEB = `${PROXY}, deployment="web"`;
const OPERATOR = 'job="weft-operator", namespace="weft-system", pod="weft-operator-1"';

/** Ten minutes of trouble from minute 1 on, then peace. */
const TROUBLE = '0x5 0+10x60 610x400';
const PEACE = '0+100x500';

const inbound = (classification: string) =>
  `response_total{${WEB}, direction="inbound", classification="${classification}"}`;
const latency = (le: string) => `response_latency_ms_bucket{${WEB}, direction="inbound", le="${le}"}`;
const gauge = (during: number, otherwise = 0) => `${otherwise}x5 ${during}x60 ${otherwise}x400`;

/** A counter that grows for ten minutes. */
function counted(alert: string, series: string, notYetAt: string | null, firesAt = '9m', clearedAt = '40m'): AlertCase {
  return { alert, series: { [series]: TROUBLE }, notYetAt, firesAt, clearedAt };
}

function held(alert: string, series: string, value: number, notYetAt: string | null, otherwise = 0): AlertCase {
  return { alert, series: { [series]: gauge(value, otherwise) }, notYetAt, firesAt: '9m', clearedAt: '40m' };
}

const DAYS = 86_400;

export const ALERT_CASES: readonly AlertCase[] = [
  {
    // 10 failures and 100 successes in ten seconds: 9 %, below what burns the budget.
    alert: 'WeftSuccessRateLow',
    series: { [inbound('success')]: PEACE, [inbound('failure')]: TROUBLE },
    notYetAt: '3m',
    firesAt: '9m',
    clearedAt: '40m',
  },
  {
    // All of them fail, which is both.
    alert: 'WeftErrorBudgetBurn,WeftSuccessRateLow',
    series: { [inbound('failure')]: '0+10x120 1200x800', [inbound('success')]: '0x120 0+100x800' },
    notYetAt: '1m',
    firesAt: '15m',
    clearedAt: '2h',
  },
  {
    alert: 'WeftLatencyHigh',
    series: {
      [latency('1000')]: '0x500',
      [latency('2000')]: '0+10x120 1200x380',
      [latency('+Inf')]: '0+10x120 1200x380',
    },
    notYetAt: '5m',
    firesAt: '15m',
    clearedAt: '40m',
  },
  counted(
    'WeftRetryBudgetEmpty',
    `route_retryable_total{${WEB}, direction="outbound", dst="ballots:80", rt_route="Vote", skipped="no_budget"}`,
    '3m',
  ),
  {
    alert: 'WeftNoEndpoint',
    series: {
      [`outbound_http_errors_total{${PROXY}, error="failfast"}`]: TROUBLE,
      [`outbound_tcp_errors_total{${PROXY}, error="failfast"}`]: '0x500',
    },
    notYetAt: '1m',
    firesAt: '9m',
    clearedAt: '40m',
  },
  held(
    'WeftEndpointsEjected',
    `weft_outbound_ejected_endpoints{${PROXY}, parent_namespace="shop", parent_name="echo", parent_port="80"}`,
    1,
    '3m',
  ),
  counted(
    'WeftRequestsDenied',
    `inbound_http_authz_deny_total{${PROXY}, srv_kind="server", srv_name="web", srv_port="80"}`,
    '3m',
  ),
  {
    alert: 'WeftRateLimited',
    series: {
      [`inbound_http_local_ratelimit_total{${PROXY}, srv_name="web", ratelimit_name="web"}`]: '0+10x120 1200x380',
    },
    notYetAt: '5m',
    firesAt: '15m',
    clearedAt: '40m',
  },
  held('WeftProxyDown', `up{${PROXY}, instance="10.0.0.1:4191"}`, 0, '3m', 1),
  {
    alert: 'WeftProxyRestarting',
    series: { [`process_start_time_seconds{${PROXY}}`]: '1x5 2x5 3x5 4x500' },
    notYetAt: '1m',
    firesAt: '9m',
    clearedAt: '60m',
  },
  held('WeftProxyStale', `weft_config_staleness_seconds{${PROXY}}`, 400, '1m'),
  counted('WeftConfigurationRefused', `weft_config_rejections_total{${PROXY}}`, null),
  {
    // Valid for two hours from the start, of which 15 % are left after 102 minutes; renewed after 110.
    alert: 'WeftProxyCertificateExpiring',
    series: {
      [`control_identity_cert_refresh_timestamp_seconds{${PROXY}}`]: '0x660 6600x200',
      [`control_identity_cert_expiration_timestamp_seconds{${PROXY}}`]: '7200x660 13800x200',
    },
    notYetAt: '100m',
    firesAt: '105m',
    clearedAt: '115m',
  },
  {
    // Both are 0 before the first.
    alert: 'WeftProxyWithoutCertificate',
    series: {
      [`control_identity_cert_refresh_timestamp_seconds{${PROXY}}`]: gauge(0, 1),
      [`control_identity_cert_expiration_timestamp_seconds{${PROXY}}`]: gauge(0, 90_000),
    },
    notYetAt: '3m',
    firesAt: '9m',
    clearedAt: '40m',
  },
  counted(
    'WeftUntrustedClients',
    `weft_connections_refused_total{${PROXY}, direction="inbound", reason="client_certificate_untrusted"}`,
    '1m',
  ),
  counted('WeftPassedThroughUnseen', `weft_outbound_unseen_total{${PROXY}, action="passed_through"}`, null),
  {
    alert: 'WeftProxyBusy',
    series: {
      [`process_loop_lag_seconds_bucket{${PROXY}, le="0.5"}`]: '0x500',
      [`process_loop_lag_seconds_bucket{${PROXY}, le="1"}`]: TROUBLE,
      [`process_loop_lag_seconds_bucket{${PROXY}, le="+Inf"}`]: TROUBLE,
    },
    notYetAt: '3m',
    firesAt: '9m',
    clearedAt: '40m',
  },
  {
    alert: 'WeftOperatorDown',
    series: { [`up{${OPERATOR}}`]: gauge(0, 1) },
    notYetAt: '2m',
    firesAt: '9m',
    clearedAt: '40m',
  },
  held('WeftNoLeader', `leader_election_master_status{${OPERATOR}}`, 0, '2m', 1),
  held('WeftStoreStale', `weft_config_stale_stores{${OPERATOR}}`, 3, '1m'),
  counted('WeftMissedChanges', `weft_cache_missed_events_total{${OPERATOR}, kind="Service"}`, null, '9m', '80m'),
  held('WeftIssuerExpiring', `issuer_cert_ttl_seconds{${OPERATOR}}`, 20 * DAYS, null, 200 * DAYS),
  held(
    'WeftCertificateExpiring',
    `weft_certificate_expiry_timestamp_seconds{${OPERATOR}, certificate="anchor"}`,
    20 * DAYS,
    null,
    200 * DAYS,
  ),
  counted(
    'WeftCertificateRenewalFailing',
    `weft_certificate_renewal_failures_total{${OPERATOR}, certificate="issuer"}`,
    null,
  ),
  {
    alert: 'WeftRotationWaits',
    series: {
      [`weft_identity_rotation_phase{${OPERATOR}, phase="Trusting"}`]: '0x5 1x30 0x465',
      [`weft_identity_rotation_phase{${OPERATOR}, phase="Renewing"}`]: '0x36 1x120 0x344',
      [`weft_identity_rotation_phase{${OPERATOR}, phase="Done"}`]: '1x5 0x150 1x345',
    },
    notYetAt: '19m',
    firesAt: '23m',
    clearedAt: '40m',
  },
  counted(
    'WeftWebhookFailing',
    `controller_runtime_webhook_requests_total{${OPERATOR}, webhook="/inject", code="500"}`,
    null,
  ),
  {
    alert: 'WeftWebhookSlow',
    series: {
      [`controller_runtime_webhook_latency_seconds_bucket{${OPERATOR}, webhook="/inject", le="1"}`]: '0x500',
      [`controller_runtime_webhook_latency_seconds_bucket{${OPERATOR}, webhook="/inject", le="5"}`]: TROUBLE,
      [`controller_runtime_webhook_latency_seconds_bucket{${OPERATOR}, webhook="/inject", le="+Inf"}`]: TROUBLE,
    },
    notYetAt: '3m',
    firesAt: '9m',
    clearedAt: '40m',
  },
  counted(
    'WeftInjectionSkipped',
    `proxy_inject_admission_responses_total{job="weft-operator", namespace="shop", owner_kind="deployment", skip="true", skip_reason="pod_security_level"}`,
    null,
  ),
  {
    alert: 'WeftInjectionSkipped',
    when: ' for the first pod of its kind, which is no increase',
    series: {
      'proxy_inject_admission_responses_total{job="weft-operator", namespace="shop", owner_kind="job", skip="true", skip_reason="host_network_enabled"}':
        '_x30 1x500',
    },
    notYetAt: '4m',
    firesAt: '6m',
    clearedAt: '20m',
  },
  {
    alert: 'WeftPodsWithoutProxy',
    series: {
      [`weft_pods_without_proxy{${OPERATOR.replace('weft-system', 'shop')}, cause="missed"}`]: '_x5 2x120 _x400',
      [`weft_pods_without_proxy{${OPERATOR.replace('weft-system', 'shop')}, cause="perhaps_older"}`]: '_x5 1x60 _x400',
    },
    notYetAt: '14m',
    firesAt: '17m',
    clearedAt: '40m',
  },
  {
    alert: 'WeftReconcileFailing',
    series: { [`controller_runtime_reconcile_errors_total{${OPERATOR}, controller="mesh"}`]: '0+10x120 1200x380' },
    notYetAt: '5m',
    firesAt: '15m',
    clearedAt: '40m',
  },
  {
    alert: 'WeftPropagationSlow',
    series: {
      [`weft_config_propagation_seconds_bucket{${OPERATOR}, le="1"}`]: '0x500',
      [`weft_config_propagation_seconds_bucket{${OPERATOR}, le="5"}`]: TROUBLE,
      [`weft_config_propagation_seconds_bucket{${OPERATOR}, le="+Inf"}`]: TROUBLE,
    },
    notYetAt: '3m',
    firesAt: '9m',
    clearedAt: '40m',
  },
  held('WeftDefinitionsIncomplete', `weft_definitions_incomplete{${OPERATOR}}`, 2, '3m'),
];

/** A healthy operator beside everything that is not about operators: its absence is an alert of its own. */
export const HEALTHY_OPERATOR = 'up{job="weft-operator", namespace="weft-system", pod="weft-operator-2"}';
