// Pins the Prometheus operator, whose definitions judge samples/observability/prometheus-operator.
module weft.dev/hack/observability/monitoring

go 1.24.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
