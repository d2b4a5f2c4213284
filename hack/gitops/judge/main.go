// Judges the health of objects by Argo CD's and Flux' own engines. The first line of standard input says by which checks of users' own; each further line asks for an
// object, and is answered by one line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

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
}

type question struct {
	// Its health is asked for.
	Object map[string]any `json:"object"`
}

type answer struct {
	Health *healthAnswer `json:"health,omitempty"`
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
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		answered, err := respond(lines.Bytes(), engines)
		if err != nil {
			return err
		}
		if err := answers.Encode(answered); err != nil {
			return err
		}
	}
	return lines.Err()
}

func respond(line []byte, engines *healthEngines) (*answer, error) {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, fmt.Errorf("a question: %w", err)
	}
	object, err := normalized(asked.Object)
	if err != nil {
		return nil, err
	}
	health, err := engines.judge(object)
	return &answer{Health: health}, err
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
