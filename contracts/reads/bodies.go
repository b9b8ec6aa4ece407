package reads

import (
	"fmt"
	"path"
	"sort"
	"strings"
	"text/template/parse"
)

// definition is a template that a chart brings along: a file, or what it defines.
type definition struct {
	*body
	by *instance
}

// file is a template file that helm renders.
type file struct {
	*body
	by *instance
}

// source is a template file of a chart.
type source struct {
	name string
	text string
	by   *instance
}

// parseAll parses the template files of a chart and its subcharts. It fills a.bodies with what an include by name may
// find, and returns what helm renders.
func (a *analysis) parseAll(root *instance) ([]file, error) {
	var rendered []file
	defined := map[string][]definition{}
	for _, s := range sources(root) {
		trees, err := parseTemplate(s.name, s.text)
		if err != nil {
			return nil, fmt.Errorf("chart %s: %w", s.by.path, err)
		}
		for _, name := range sortedKeys(trees) {
			defined[name] = a.define(defined[name], name, trees[name], s)
		}
		if main := trees[s.name]; main != nil && !s.by.isPartial(s.name) {
			rendered = append(rendered, file{defined[s.name][len(defined[s.name])-1].body, s.by})
		}
	}
	for name, definitions := range defined {
		for _, d := range definitions {
			a.bodies[name] = append(a.bodies[name], d.body)
		}
	}
	return rendered, nil
}

// define adds a definition. Of several with one name helm takes the last that it parses. Which that is depends on the
// subcharts that are switched on: another's is dropped only where a chart around it, or itself, defines the name too.
func (a *analysis) define(before []definition, name string, tree *parse.Tree, s source) []definition {
	if len(before) > 0 && parse.IsEmptyTree(tree.Root) && name != s.name {
		return before
	}
	var kept []definition
	for _, d := range before {
		if !d.by.within(s.by) {
			kept = append(kept, d)
		}
	}
	for _, d := range kept {
		if d.root.String() == tree.Root.String() {
			return append(kept, definition{d.body, s.by})
		}
	}
	return append(kept, definition{a.newBody(name, tree), s.by})
}

// sources are the template files in the order in which helm parses them: subcharts before what is around them.
func sources(root *instance) []source {
	var all []source
	root.each(func(i *instance) {
		for _, template := range i.chart.Templates {
			if !i.isLibrary() || i.isPartial(template.Name) {
				all = append(all, source{path.Join(i.path, template.Name), string(template.Data), i})
			}
		}
	})
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i].name, all[j].name
		if slashes := strings.Count(a, "/") - strings.Count(b, "/"); slashes != 0 {
			return slashes > 0
		}
		return a > b
	})
	return all
}
