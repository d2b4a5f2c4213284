package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/argoproj/argo-cd/v3/resource_customizations"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

// argoVerdict is what Argo CD's engine makes of an object of a kind that it has no built-in check in Go for: the script of the user's, or else the one that Argo CD
// ships. hack/gitops/judge asks Argo CD's own code the same, and a test compares the two.
func argoVerdict(object *unstructured.Unstructured, scripts map[string]string) (*verdict, error) {
	if object.GetDeletionTimestamp() != nil {
		return &verdict{"Progressing", "Pending deletion"}, nil
	}
	kind := object.GroupVersionKind()
	// What users write runs without Lua's libraries, what Argo CD ships runs with them.
	if script, ok := scripts[kind.Group+"/"+kind.Kind]; ok {
		return runHealth(object, script, false)
	}
	script, err := resource_customizations.Embedded.ReadFile(strings.TrimPrefix(kind.Group+"/"+kind.Kind+"/health.lua", "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return runHealth(object, string(script), true)
}

func runHealth(object *unstructured.Unstructured, script string, withLibraries bool) (*verdict, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: !withLibraries})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	value, err := luaValue(state, object.Object)
	if err != nil {
		return nil, err
	}
	state.SetGlobal("obj", value)
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	encoded, err := luajson.Encode(state.Get(-1))
	if err != nil {
		return nil, err
	}
	result := &verdict{}
	if err := json.Unmarshal(encoded, result); err != nil {
		return nil, fmt.Errorf("the script has returned %s: %w", encoded, err)
	}
	return result, nil
}

// luaValue goes through JSON: an integer of Go's would have to be converted by hand.
func luaValue(state *lua.LState, object map[string]any) (lua.LValue, error) {
	encoded, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return luajson.Decode(state, encoded)
}
