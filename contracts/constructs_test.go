package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contracts/reads"
	"contracts/schema"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/tools/txtar"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the contracts in testdata anew")

const contractFile = "contract.json"

// refusal is a values file, and what a contract has to report of it: "path unknown", "path type" …
type refusal struct {
	Values   any
	Reported []string
}

// Each file of testdata is a chart made of one template construct, with values that its contract has to accept and to
// refuse, and the contract itself.
func TestEachConstruct(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no charts in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { testConstruct(t, file) })
	}
}

func testConstruct(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	contract := contractOf(t, chartIn(t, archive))
	if *update {
		writeContract(t, file, archive, contract)
	}
	if golden := content(archive, contractFile); !bytes.Equal(golden, contract) {
		t.Errorf("the contract is not the one in %s (go test -update writes it); it is:\n%s", file, contract)
	}
	compiled := compile(t, contract)
	var expected []string
	if err := yaml.Unmarshal(content(archive, "defaults.yaml"), &expected); err != nil {
		t.Fatal(err)
	}
	if said := report(t, compiled, parse(t, content(archive, "values.yaml"))); !slices.Equal(said, expected) {
		t.Errorf("of the chart's own values.yaml it should report %q, and reports %q", expected, said)
	}
	accepted := strings.Split(string(content(archive, "accepted.yaml")), "\n---\n")
	for _, document := range accepted {
		if said := report(t, compiled, parse(t, []byte(document))); document == "" || len(said) > 0 {
			t.Errorf("it should accept this, and reports %q:\n%s", said, document)
		}
	}
	var refused []refusal
	if err := yaml.Unmarshal(content(archive, "refused.yaml"), &refused); err != nil || len(refused) == 0 {
		t.Fatalf("refused.yaml: %d entries, %v", len(refused), err)
	}
	for _, refusal := range refused {
		if said := report(t, compiled, refusal.Values); !slices.Equal(said, refusal.Reported) {
			t.Errorf("of %v it should report %q, and reports %q", refusal.Values, refusal.Reported, said)
		}
	}
}

// chartIn is the chart in an archive; where that has no Chart.yaml, the chart is demo 1.0.0.
func chartIn(t *testing.T, archive *txtar.Archive) *chart.Chart {
	t.Helper()
	files := []*loader.BufferedFile{}
	if content(archive, "Chart.yaml") == nil {
		files = append(files, &loader.BufferedFile{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: demo\nversion: 1.0.0\n")})
	}
	for _, file := range archive.Files {
		files = append(files, &loader.BufferedFile{Name: file.Name, Data: file.Data})
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func contractOf(t *testing.T, c *chart.Chart) []byte {
	t.Helper()
	result, err := reads.Analyse(c, false)
	if err != nil {
		t.Fatal(err)
	}
	return schema.Contract(c.Name(), c.Metadata.Version, result.Values)
}

func content(archive *txtar.Archive, name string) []byte {
	for _, file := range archive.Files {
		if file.Name == name {
			return file.Data
		}
	}
	return nil
}

func writeContract(t *testing.T, file string, archive *txtar.Archive, contract []byte) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == contractFile })
	archive.Files = append(archive.Files, txtar.File{Name: contractFile, Data: contract})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, document []byte) any {
	t.Helper()
	var values any
	if err := yaml.Unmarshal(document, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func compile(t *testing.T, contract []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(contract))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("contract.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// report is what a contract says of values: sorted, the path and what is wrong there.
func report(t *testing.T, contract *jsonschema.Schema, values any) []string {
	t.Helper()
	encoded, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	failure, failed := contract.Validate(document).(*jsonschema.ValidationError)
	if !failed {
		return nil
	}
	said := sayings(failure)
	slices.Sort(said)
	return said
}

func sayings(failure *jsonschema.ValidationError) []string {
	var said []string
	for _, cause := range failure.Causes {
		said = append(said, sayings(cause)...)
	}
	path := strings.Join(failure.InstanceLocation, ".")
	switch found := failure.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference:
	case *kind.AdditionalProperties:
		for _, key := range found.Properties {
			said = append(said, strings.TrimPrefix(path+"."+key, ".")+" unknown")
		}
	case *kind.Type:
		said = append(said, path+" type")
	case *kind.Enum:
		said = append(said, path+" enum")
	case *kind.Required:
		said = append(said, path+" required")
	default:
		said = append(said, fmt.Sprintf("%s %T", path, found))
	}
	return said
}
