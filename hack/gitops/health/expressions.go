package main

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// healthCheck is a row of a Kustomization's spec.healthCheckExprs.
type healthCheck struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Current    string `json:"current"`
	Failed     string `json:"failed"`
	InProgress string `json:"inProgress"`
}

// evaluator decides in the order of Flux' RFC 0009. hack/gitops/judge asks Flux' own code the same, which needs far more to be built, and a test compares the two.
type evaluator struct {
	inProgress, failed, current *expression
}

type expression struct {
	text    string
	program cel.Program
}

func evaluatorsOf(given []healthCheck) (map[schema.GroupKind]*evaluator, error) {
	environment, err := cel.NewEnv(
		cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Sets(), ext.Encoders())
	if err != nil {
		return nil, err
	}
	evaluators := map[schema.GroupKind]*evaluator{}
	for _, check := range given {
		programs := [3]*expression{}
		for at, text := range []string{check.InProgress, check.Failed, check.Current} {
			if programs[at], err = programOf(environment, text); err != nil {
				return nil, fmt.Errorf("healthCheckExprs of %s: %w", check.Kind, err)
			}
		}
		// Of the version, nothing is read.
		kind := schema.FromAPIVersionAndKind(check.APIVersion, check.Kind).GroupKind()
		evaluators[kind] = &evaluator{inProgress: programs[0], failed: programs[1], current: programs[2]}
	}
	return evaluators, nil
}

func programOf(environment *cel.Env, text string) (*expression, error) {
	if text == "" {
		return nil, nil
	}
	parsed, issues := environment.Parse(text)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	program, err := environment.Program(parsed, cel.EvalOptions(cel.OptOptimize))
	return &expression{text, program}, err
}

func (e *evaluator) evaluate(object *unstructured.Unstructured) (*verdict, error) {
	observed, found, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if err != nil {
		return nil, err
	}
	if found && observed != object.GetGeneration() {
		return &verdict{Status: "InProgress"}, nil
	}
	steps := []struct {
		asked  *expression
		status string
	}{{e.inProgress, "InProgress"}, {e.failed, "Failed"}, {e.current, "Current"}}
	for _, step := range steps {
		if step.asked == nil {
			continue
		}
		value, _, err := step.asked.program.Eval(object.Object)
		if err != nil {
			return nil, fmt.Errorf("failed to evaluate the CEL expression '%s': %w", step.asked.text, err)
		}
		if value == types.True {
			return &verdict{Status: step.status}, nil
		}
	}
	return &verdict{Status: "InProgress"}, nil
}
