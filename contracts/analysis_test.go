package main

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"contracts/reads"

	"golang.org/x/tools/txtar"
)

// needs is a chart whose package lacks a dependency, and with it the helper that its template includes.
const needs = `
-- Chart.yaml --
apiVersion: v2
name: demo
version: 1.0.0
dependencies: [{name: common, version: 2.x.x, repository: oci://example.com/charts}]
-- templates/a.yaml --
a: {{ include "common.names" . }}
b: {{ .Values.b }}
`

func TestADependencyThatThePackageLacksIsAnError(t *testing.T) {
	_, err := reads.Analyse(chartIn(t, txtar.Parse([]byte(needs))), false)
	if err == nil || !strings.Contains(err.Error(), "common 2.x.x is not in the package") {
		t.Error(err)
	}
}

func TestPartialAllowsAnyValueForWhatThePackageLacks(t *testing.T) {
	result, err := reads.Analyse(chartIn(t, txtar.Parse([]byte(needs))), true)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Values.Free() || !result.Values.Children["common"].Free() {
		t.Error("values that a missing helper may read are not allowed")
	}
	if said := strings.Join(result.Warnings, "\n"); !strings.Contains(said, "subchart common") || !strings.Contains(said, "common.names") {
		t.Errorf("the warnings name neither the subchart nor the helper: %q", said)
	}
}

func TestADependencyInAnotherVersionIsNotTheOneThatIsWanted(t *testing.T) {
	other := needs + "-- charts/common/Chart.yaml --\napiVersion: v2\nname: common\nversion: 1.0.0\ntype: library\n"
	_, err := reads.Analyse(chartIn(t, txtar.Parse([]byte(other))), false)
	if err == nil || !strings.Contains(err.Error(), "common 2.x.x") {
		t.Error(err)
	}
}

func TestATemplateThatDoesNotParseIsNamed(t *testing.T) {
	broken := "-- templates/broken.yaml --\n\n{{ if .Values.a }}\n"
	_, err := reads.Analyse(chartIn(t, txtar.Parse([]byte(broken))), false)
	if err == nil || !strings.Contains(err.Error(), "demo/templates/broken.yaml") {
		t.Error(err)
	}
}

func TestASchemaThatIsNoJSONIsNamed(t *testing.T) {
	broken := "-- charts/sub/Chart.yaml --\napiVersion: v2\nname: sub\nversion: 1.0.0\n-- charts/sub/values.schema.json --\n{"
	_, err := reads.Analyse(chartIn(t, txtar.Parse([]byte(broken))), false)
	if err == nil || !strings.Contains(err.Error(), "demo/charts/sub: values.schema.json") {
		t.Error(err)
	}
}

func TestAHelperThatNobodyDefinesIsNoReasonToGiveUp(t *testing.T) {
	slip := "-- templates/a.yaml --\n{{ if .Values.a }}{{ include \"demo.typo\" . }}{{ end }}\n"
	contract := contractOf(t, chartIn(t, txtar.Parse([]byte(slip))))
	if said := report(t, compile(t, contract), map[string]any{"b": 1}); len(said) != 1 {
		t.Errorf("it reports %q", said)
	}
}

func TestAnUnknownHelperNameIsTakenAsAnyHelper(t *testing.T) {
	dynamic := `
-- templates/_helpers.tpl --
{{ define "demo.one" }}{{ .Values.one }}{{ end }}
-- templates/a.yaml --
{{ include .Values.helper . }}
`
	result, err := reads.Analyse(chartIn(t, txtar.Parse([]byte(dynamic))), false)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Values.Children["one"].Known() || len(result.Warnings) != 1 {
		t.Errorf("warnings %q", result.Warnings)
	}
}

// helm's loader gives subcharts and files in the order of a Go map: any.
func TestTheContractIsTheSameEveryTime(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first := contractOf(t, chartIn(t, archive))
		for range 20 {
			rand.Shuffle(len(archive.Files), func(i, j int) {
				archive.Files[i], archive.Files[j] = archive.Files[j], archive.Files[i]
			})
			if again := contractOf(t, chartIn(t, archive)); !bytes.Equal(first, again) {
				t.Fatalf("%s gives\n%s\nand\n%s", file, first, again)
			}
		}
	}
}
