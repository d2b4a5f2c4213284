// Judges objects by Argo CD's and Flux' own engines. The argument names a kubeconfig, or nothing where only health is asked for. The first line of standard input says
// by which checks of users' own; each further line is a question that is answered by one line: an object whose health is asked for, or a manifest as it stands in Git,
// which is compared with what is in the cluster.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A definition of a custom resource, with its schema in every version, is below.
const lineBytesMax = 16 << 20

type checks struct {
	// Scripts of resource.customizations.health, by <group>/<kind>.
	Lua map[string]string `json:"lua"`
	// spec.healthCheckExprs of a Kustomization.
	Expressions []kustomize.CustomHealthCheck `json:"healthCheckExprs"`
	// spec.ignoreDifferences of an Application.
	Ignored v1alpha1.IgnoreDifferences `json:"ignoreDifferences"`
}

type question struct {
	// Its health is asked for.
	Object map[string]any `json:"object"`
	// As it stands in Git, with what each tool adds to track it: whether it has drifted is asked for.
	Argo map[string]any `json:"argo"`
	Flux map[string]any `json:"flux"`
	// By which comparisons.
	By []string `json:"by"`
}

type answer struct {
	Health *healthAnswer `json:"health,omitempty"`
	Drift  driftAnswer   `json:"drift,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, lineBytesMax)
	if !lines.Scan() {
		return fmt.Errorf("no checks: %w", lines.Err())
	}
	var given checks
	if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
		return fmt.Errorf("the checks: %w", err)
	}
	engines, err := newHealthEngines(given)
	if err != nil {
		return err
	}
	var cluster *cluster
	if len(os.Args) > 1 {
		if cluster, err = newCluster(os.Args[1], given.Ignored); err != nil {
			return err
		}
		defer cluster.cleanup()
	}
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		answered, err := respond(lines.Bytes(), engines, cluster)
		if err != nil {
			return err
		}
		if err := answers.Encode(answered); err != nil {
			return err
		}
	}
	return lines.Err()
}

func respond(line []byte, engines *healthEngines, cluster *cluster) (*answer, error) {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, fmt.Errorf("a question: %w", err)
	}
	if asked.Object != nil {
		object, err := normalized(asked.Object)
		if err != nil {
			return nil, err
		}
		health, err := engines.judge(object)
		return &answer{Health: health}, err
	}
	argo, err := normalized(asked.Argo)
	if err != nil {
		return nil, err
	}
	flux, err := normalized(asked.Flux)
	if err != nil {
		return nil, err
	}
	drift, err := cluster.compare(context.Background(), argo, flux, asked.By)
	return &answer{Drift: drift}, err
}

// normalized reads numbers as Kubernetes does: integers stay integers.
func normalized(raw map[string]any) (*unstructured.Unstructured, error) {
	encoded, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	return object, object.UnmarshalJSON(encoded)
}
