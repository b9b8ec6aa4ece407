package reads

import (
	"sort"
	"strings"
	"text/template/parse"

	"github.com/gobwas/glob"
	"helm.sh/helm/v3/pkg/chart"
)

// files are files of a chart that are no templates: what .Files holds.
type files struct {
	content map[string]string
}

func filesOf(c *chart.Chart) *files {
	all := &files{content: map[string]string{}}
	for _, file := range c.Files {
		all.content[file.Name] = string(file.Data)
	}
	return all
}

// filesMethod calls a method of .Files, or of what its Glob found.
func (f *frame) filesMethod(site parse.Node, files *files, name string, arguments []value) (value, bool) {
	var asked []string
	if len(arguments) > 0 {
		asked = texted(arguments[0])
	}
	switch name {
	case "Get", "GetBytes":
		return files.get(asked), true
	case "Lines":
		return listOfAny(unknown), true
	case "Glob":
		return value{dicts: []*dict{f.glob(site, files, asked)}}, true
	case "AsConfig", "AsSecrets":
		return unknown, true
	}
	return value{}, false
}

// get is the content of the files with those names, of any file where a name is not known.
func (f *files) get(names []string) value {
	var found []string
	for _, name := range names {
		for _, path := range sortedKeys(f.content) {
			if fits(name, path) {
				found = append(found, f.content[path])
			}
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return templated(found[i]) && !templated(found[j]) })
	if len(found) > maxTexts {
		found = append(found[:maxTexts-1], unknownText)
	}
	return textOf(found...)
}

// glob is a map of the files that a pattern finds.
func (f *frame) glob(site parse.Node, files *files, patterns []string) *dict {
	d := f.dict(site)
	d.files = files
	for _, pattern := range patterns {
		compiled, err := glob.Compile(strings.ReplaceAll(pattern, unknownText, "**"), '/')
		if err != nil {
			compiled = glob.MustCompile("**")
		}
		for _, path := range sortedKeys(files.content) {
			if compiled.Match(path) {
				d.set(path, textOf(files.content[path]))
			}
		}
	}
	return d
}

// templated says whether tpl would do something with a text.
func templated(text string) bool {
	return strings.Contains(text, "{{")
}
