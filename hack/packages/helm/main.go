// Renders a chart as `helm template` does: by Helm's own loader, schema and engine, without a cluster.
//
//	helm CHART    values as JSON on standard input, one document a line; for each, one line of JSON: {"manifests": {FILE: TEXT}} or {"error": TEXT}
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

type answer struct {
	Manifests map[string]string `json:"manifests,omitempty"`
	Error     string            `json:"error,omitempty"`
}

func render(ch *chart.Chart, values map[string]interface{}) answer {
	release := chartutil.ReleaseOptions{Name: "weft", Namespace: "weft-system", Revision: 1, IsInstall: true}
	// Checks the values against values.schema.json, too.
	all, err := chartutil.ToRenderValues(ch, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return answer{Error: err.Error()}
	}
	manifests, err := engine.Engine{Strict: true}.Render(ch, all)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Manifests: manifests}
}

func run(path string, in io.Reader, out io.Writer) error {
	ch, err := loader.Load(path)
	if err != nil {
		return err
	}
	if err := ch.Validate(); err != nil {
		return err
	}
	decoder, encoder := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		values := map[string]interface{}{}
		if err := decoder.Decode(&values); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := encoder.Encode(render(ch, values)); err != nil {
			return err
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: helm CHART < VALUES")
	}
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
