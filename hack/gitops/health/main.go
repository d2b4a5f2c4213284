// Judges the health of objects as GitOps tools do. The first line of standard input says by which checks of users' own; each further line is an object as it is
// in the cluster, and is answered by one line: what kstatus says of it, what Flux says (its own copy of kstatus, or the expressions of a Kustomization's
// healthCheckExprs where there are some for the kind), and what Argo CD's Lua says (null where neither users nor Argo CD have a check for the kind).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	fluxstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// One object with its whole status is far below.
const lineBytesMax = 4 << 20

type checks struct {
	// Scripts of resource.customizations.health, by <group>/<kind>.
	Lua map[string]string `json:"lua"`
	// spec.healthCheckExprs of a Kustomization.
	Expressions []healthCheck `json:"healthCheckExprs"`
}

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type answer struct {
	Kstatus verdict  `json:"kstatus"`
	Flux    verdict  `json:"flux"`
	Argo    *verdict `json:"argo"`
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
	evaluators, err := evaluatorsOf(given.Expressions)
	if err != nil {
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			return fmt.Errorf("an object: %w", err)
		}
		judged, err := judge(object, given.Lua, evaluators)
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if err := answers.Encode(judged); err != nil {
			return err
		}
	}
	return lines.Err()
}

func judge(object *unstructured.Unstructured, scripts map[string]string, evaluators map[schema.GroupKind]*evaluator) (*answer, error) {
	plain, err := status.Compute(object)
	if err != nil {
		return nil, err
	}
	flux, err := fluxVerdict(object, evaluators[object.GroupVersionKind().GroupKind()])
	if err != nil {
		return nil, err
	}
	argo, err := argoVerdict(object, scripts)
	if err != nil {
		return nil, err
	}
	return &answer{Kstatus: verdict{string(plain.Status), plain.Message}, Flux: *flux, Argo: argo}, nil
}

func fluxVerdict(object *unstructured.Unstructured, own *evaluator) (*verdict, error) {
	if own != nil {
		judged, err := own.evaluate(object)
		if err != nil {
			// Of a field that is not there, for instance: Flux notes the error and goes on waiting.
			return &verdict{"Unknown", err.Error()}, nil
		}
		return judged, nil
	}
	result, err := fluxstatus.Compute(object)
	if err != nil {
		return nil, err
	}
	return &verdict{string(result.Status), result.Message}, nil
}
