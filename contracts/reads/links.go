package reads

import (
	"fmt"
	"strings"
)

// link notes what Chart.yaml does with values: conditions, tags, import-values, and the globals that subcharts share.
func (i *instance) link(root *instance) {
	for _, sub := range i.subs {
		sub.link(root)
	}
	for number, dependency := range i.chart.Metadata.Dependencies {
		for _, condition := range strings.Split(strings.TrimSpace(dependency.Condition), ",") {
			if condition != "" {
				i.values.At(strings.Split(condition, ".")...).mark(Switch)
			}
		}
		for _, tag := range dependency.Tags {
			// helm looks for the tags of subcharts' dependencies in the topmost values, too.
			root.values.At("tags", tag).mark(Switch)
		}
		name := dependency.Name
		if dependency.Alias != "" {
			name = dependency.Alias
		}
		for _, imported := range i.chart.Metadata.Dependencies[number].ImportValues {
			i.importValues(i.values.At(name), imported)
		}
	}
	for _, sub := range i.subs {
		if global := sub.values.Children["global"]; global != nil && global.Known() {
			i.values.At("global").adopt(global)
		}
	}
}

// importValues notes one entry of import-values: what is set in the subchart is read where the parent reads it.
func (i *instance) importValues(sub *Place, imported any) {
	switch imported := imported.(type) {
	case string:
		exported := sub.At("exports", imported)
		for _, key := range sortedKeys(exported.Children) {
			exported.Children[key].exchange(i.values.At(key))
		}
	case map[string]any:
		child := sub.At(strings.Split(fmt.Sprint(imported["child"]), ".")...)
		if parent := fmt.Sprint(imported["parent"]); parent != "." {
			child.exchange(i.values.At(strings.Split(parent, ".")...))
			return
		}
		for _, key := range sortedKeys(child.Children) {
			child.Children[key].exchange(i.values.At(key))
		}
	}
}

// exchange: a value of the subchart at p is the default of the parent's at target.
func (p *Place) exchange(target *Place) {
	defaults := p.Defaults
	p.adopt(target)
	for _, value := range defaults {
		target.addDefault(value, true)
	}
}
