package main

import (
	"context"
	"fmt"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/health"
	fluxstatus "github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type healthAnswer struct {
	Kstatus verdict  `json:"kstatus"`
	Flux    verdict  `json:"flux"`
	Argo    *verdict `json:"argo"`
}

type healthEngines struct {
	overrides  lua.ResourceHealthOverrides
	evaluators map[schema.GroupKind]*cel.StatusEvaluator
}

func newHealthEngines(given checks) (*healthEngines, error) {
	engines := &healthEngines{lua.ResourceHealthOverrides{}, map[schema.GroupKind]*cel.StatusEvaluator{}}
	for kind, script := range given.Lua {
		engines.overrides[kind] = v1alpha1.ResourceOverride{HealthLua: script}
	}
	for _, check := range given.Expressions {
		evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
		if err != nil {
			return nil, fmt.Errorf("healthCheckExprs of %s: %w", check.Kind, err)
		}
		engines.evaluators[schema.FromAPIVersionAndKind(check.APIVersion, check.Kind).GroupKind()] = evaluator
	}
	return engines, nil
}

func (e *healthEngines) judge(object *unstructured.Unstructured) (*healthAnswer, error) {
	plain, err := status.Compute(object)
	if err != nil {
		return nil, err
	}
	answered := &healthAnswer{Kstatus: verdict{string(plain.Status), plain.Message}}
	if answered.Flux, err = e.flux(object); err != nil {
		return nil, err
	}
	argo, err := health.GetResourceHealth(object, e.overrides)
	if err != nil {
		return nil, err
	}
	if argo != nil {
		answered.Argo = &verdict{string(argo.Status), argo.Message}
	}
	return answered, nil
}

func (e *healthEngines) flux(object *unstructured.Unstructured) (verdict, error) {
	evaluator := e.evaluators[object.GroupVersionKind().GroupKind()]
	if evaluator == nil {
		result, err := fluxstatus.Compute(object)
		if err != nil {
			return verdict{}, err
		}
		return verdict{string(result.Status), result.Message}, nil
	}
	result, err := evaluator.Evaluate(context.Background(), object)
	if err != nil {
		return verdict{"Unknown", err.Error()}, nil
	}
	return verdict{string(result.Status), result.Message}, nil
}
