package main

import (
	"context"
	"fmt"
	"io"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	argodiff "github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/fluxcd/pkg/ssa"
	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2/textlogger"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The field managers under which the tools apply.
const (
	argoManager = "argocd-controller"
	fluxManager = "kustomize-controller"
)

// createdOnly marks objects that Flux creates and then leaves alone, as kustomize-controller knows them.
var createdOnly = map[string]string{"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}

// driftAnswer says what each comparison would change; empty where it finds nothing.
type driftAnswer map[string]string

// cluster is what both tools are connected to.
type cluster struct {
	client    client.Client
	flux      *ssa.ResourceManager
	dryRunner diff.ServerSideDryRunner
	parser    *managedfields.GvkParser
	ignored   []v1alpha1.ResourceIgnoreDifferences
	cleanup   func()
}

func newCluster(kubeconfig string, ignored v1alpha1.IgnoreDifferences) (*cluster, error) {
	// Argo CD logs what it does to the standard output of its own.
	logrus.SetOutput(io.Discard)
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 200
	direct, err := client.New(config, client.Options{Scheme: runtime.NewScheme()})
	if err != nil {
		return nil, err
	}
	log, tracer := textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(io.Discard))), tracing.NopTracer{}
	kubectl := &kube.KubectlCmd{Log: log, Tracer: tracer}
	schema, parser, err := kubectl.LoadOpenAPISchema(config)
	if err != nil {
		return nil, err
	}
	unobserved := func(string) (kube.CleanupFunc, error) { return func() {}, nil }
	dryRuns, cleanup, err := kube.ManageServerSideDiffDryRuns(config, schema, tracer, log, unobserved)
	if err != nil {
		return nil, err
	}
	return &cluster{
		client:    direct,
		flux:      ssa.NewResourceManager(direct, nil, ssa.Owner{Field: fluxManager, Group: "kustomize.toolkit.fluxcd.io"}),
		dryRunner: diff.NewK8sServerSideDryRunner(dryRuns),
		parser:    parser,
		ignored:   ignored,
		cleanup:   cleanup,
	}, nil
}

func (c *cluster) compare(ctx context.Context, wanted, flux *unstructured.Unstructured, by []string) (driftAnswer, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(wanted.GroupVersionKind())
	if err := c.client.Get(ctx, client.ObjectKeyFromObject(wanted), live); err != nil {
		return nil, err
	}
	comparisons := map[string]func() (string, error){
		"argoThreeWay":   func() (string, error) { return c.argo(wanted, live, false) },
		"argoServerSide": func() (string, error) { return c.argo(wanted, live, true) },
		"flux":           func() (string, error) { return c.compareByFlux(ctx, flux) },
	}
	answered := driftAnswer{}
	for _, name := range by {
		found, err := comparisons[name]()
		if err != nil {
			return nil, fmt.Errorf("%s of %s %s: %w", name, wanted.GetKind(), wanted.GetName(), err)
		}
		answered[name] = found
	}
	return answered, nil
}

// argo compares as the application controller does, with the settings that it comes with: a status is left out.
func (c *cluster) argo(wanted, live *unstructured.Unstructured, serverSide bool) (string, error) {
	overrides := map[string]v1alpha1.ResourceOverride{
		"*/*": {IgnoreDifferences: v1alpha1.OverrideIgnoreDiff{JSONPointers: []string{"/status"}}},
	}
	config, err := argodiff.NewDiffConfigBuilder().
		WithDiffSettings(c.ignored, overrides, false, normalizers.IgnoreNormalizerOpts{}).
		WithTracking("app.kubernetes.io/instance", string(v1alpha1.TrackingMethodAnnotation)).
		WithNoCache().
		WithGVKParser(c.parser).
		WithManager(argoManager).
		WithServerSideDiff(serverSide).
		WithServerSideDryRunner(c.dryRunner).
		Build()
	if err != nil {
		return "", err
	}
	result, err := argodiff.StateDiff(live.DeepCopy(), wanted.DeepCopy(), config)
	if err != nil || !result.Modified {
		return "", err
	}
	return fmt.Sprintf("live %s, would be %s", result.NormalizedLive, result.PredictedLive), nil
}

func (c *cluster) compareByFlux(ctx context.Context, wanted *unstructured.Unstructured) (string, error) {
	options := ssa.DefaultDiffOptions()
	options.IfNotPresentSelector = createdOnly
	entry, live, merged, err := c.flux.Diff(ctx, wanted.DeepCopy(), options)
	if err != nil {
		return "", err
	}
	if entry.Action == ssa.UnchangedAction || entry.Action == ssa.SkippedAction {
		return "", nil
	}
	return fmt.Sprintf("%s: live %v, would be %v", entry.Action, live, merged), nil
}
