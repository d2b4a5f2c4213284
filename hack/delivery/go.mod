// Pins what delivers by the mesh: Flagger, which is built and run, and Argo Rollouts, of which the tests take the definitions.
module weft.dev/hack/delivery

go 1.25.0

require (
	github.com/argoproj/argo-rollouts v1.9.1
	github.com/fluxcd/flagger v1.43.0
)
