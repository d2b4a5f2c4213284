// Package conformance is the Gateway API's own conformance suite as a program: `go test -c` makes one file of it that needs nothing but a kubeconfig.
package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
