package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var demo = map[string]string{
	"Chart.yaml":       "apiVersion: v2\nname: demo\nversion: 1.0.0\n",
	"templates/a.yaml": "a: {{ .Values.a.b }}",
}

// unpacked is a folder with the chart demo in it.
func unpacked(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range demo {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// packaged is the package of the chart demo, laid out as `helm package` does.
func packaged(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	for name, content := range demo {
		if err := archive.WriteHeader(&tar.Header{Name: "demo/" + name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "demo-1.0.0.tgz")
	if err := os.WriteFile(file, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// written is what the command writes; it fails the test where the command fails.
func written(t *testing.T, arguments ...string) string {
	t.Helper()
	var out, warnings bytes.Buffer
	if err := run(arguments, &out, &warnings); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAPackageAndAFolderGiveTheSameContract(t *testing.T) {
	expected := written(t, unpacked(t))
	if !strings.Contains(expected, `"b": {}`) {
		t.Fatalf("the contract lacks what the template reads:\n%s", expected)
	}
	if got := written(t, packaged(t)); got != expected {
		t.Errorf("from a package:\n%s", got)
	}
}

func TestAPathThatIsNoChartIsAnErrorThatNamesIt(t *testing.T) {
	empty := t.TempDir()
	for _, path := range []string{empty, filepath.Join(empty, "missing.tgz")} {
		err := run([]string{path}, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAMistakeOnTheCommandLineSaysWhatItIs(t *testing.T) {
	for mistake, arguments := range map[string][]string{
		"0 charts":  {},
		"2 charts":  {"a", "b"},
		"-nonsense": {"--nonsense"},
	} {
		err := run(arguments, &bytes.Buffer{}, &bytes.Buffer{})
		if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), mistake) {
			t.Errorf("%q: %v", arguments, err)
		}
	}
}
