package reads

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/chart"

	"contracts/shape"
)

// instance is a chart at its place in the chart that is analysed: under an alias, a chart may stand there twice.
type instance struct {
	chart   *chart.Chart
	name    string // as the parent's values call it
	path    string // helm's name for it, which its templates' names begin with
	values  *Place
	context *dict
	parent  *instance
	subs    []*instance
}

// load makes the instances of a chart and its subcharts, with their default values.
func (a *analysis) load(c *chart.Chart, parent *instance, name string, values *Place) (*instance, error) {
	i := &instance{chart: c, name: name, path: name, values: values, parent: parent, context: a.newDict()}
	if parent != nil {
		i.path = path.Join(parent.path, "charts", name)
	}
	values.Chart = true
	for _, dependency := range dependencies(c) {
		below := values.At(dependency.name)
		if dependency.chart == nil {
			if !a.partial {
				return nil, dependency.missing(i.path)
			}
			a.warn("%s: subchart %s is not in the package, any value is allowed for it", i.path, dependency.name)
			below.Chart, below.Missing, a.lacking = true, true, true
			continue
		}
		sub, err := a.load(dependency.chart, i, dependency.name, below)
		if err != nil {
			return nil, err
		}
		i.subs = append(i.subs, sub)
	}
	values.addDefault(c.Values, true)
	values.Defaulted = false
	if err := i.readSchema(); err != nil {
		return nil, err
	}
	i.fillContext(a)
	return i, nil
}

// dependency is a subchart: chart is nil where the package does not hold it.
type dependency struct {
	name    string
	version string
	chart   *chart.Chart
}

func (d dependency) missing(of string) error {
	return fmt.Errorf("chart %s: its dependency %s %s is not in the package; run `helm dependency build` on the chart, "+
		"or take a published package (--partial allows any value for what is missing)", of, d.name, d.version)
}

// dependencies are the subcharts of a chart by the rules of helm: those that Chart.yaml names, under their alias, and
// those in charts/ that it doesn't name.
func dependencies(c *chart.Chart) []dependency {
	var found []dependency
	named := map[*chart.Chart]bool{}
	for _, wanted := range c.Metadata.Dependencies {
		d := dependency{name: wanted.Name, version: wanted.Version}
		for _, held := range c.Dependencies() {
			if held.Name() == wanted.Name && inRange(held.Metadata.Version, wanted.Version) {
				d.chart, named[held] = held, true
				break
			}
		}
		if wanted.Alias != "" {
			d.name = wanted.Alias
		}
		found = append(found, d)
	}
	for _, held := range c.Dependencies() {
		if !named[held] {
			found = append(found, dependency{name: held.Name(), chart: held})
		}
	}
	// helm's loader gives them in no particular order.
	sort.SliceStable(found, func(i, j int) bool { return found[i].name < found[j].name })
	return found
}

func inRange(version, wanted string) bool {
	constraint, err := semver.NewConstraint(wanted)
	if err != nil {
		return false
	}
	v, err := semver.NewVersion(version)
	return err == nil && constraint.Check(v)
}

// readSchema notes what values.schema.json says.
func (i *instance) readSchema() error {
	if len(i.chart.Schema) == 0 {
		return nil
	}
	root, err := shape.Parse(i.chart.Schema)
	if err != nil {
		return fmt.Errorf("chart %s: values.schema.json: %w", i.path, err)
	}
	i.values.takeShape(root)
	return nil
}

func (p *Place) takeShape(s *shape.Shape) {
	p.Shape = s
	for _, key := range sortedKeys(s.Properties) {
		p.At(key).takeShape(s.Properties[key])
	}
}

// fillContext makes what the dot is in the chart's templates. What depends on the cluster or the release is unknown.
func (i *instance) fillContext(a *analysis) {
	object := func(fields map[string]value) value {
		d := a.newDict()
		d.fields, d.absent = fields, unknown
		return value{dicts: []*dict{d}}
	}
	subcharts := a.newDict()
	for _, sub := range i.subs {
		subcharts.fields[sub.name] = value{dicts: []*dict{sub.context}}
	}
	held := a.newDict()
	held.files = filesOf(i.chart)
	i.context.chart = i
	i.context.fields = map[string]value{
		"Values":       placed(i.values),
		"Chart":        object(map[string]value{"Name": textOf(i.name), "Version": textOf(i.chart.Metadata.Version)}),
		"Template":     object(map[string]value{"BasePath": textOf(path.Join(i.path, "templates"))}),
		"Files":        {dicts: []*dict{held}},
		"Subcharts":    {dicts: []*dict{subcharts}},
		"Release":      unknown,
		"Capabilities": unknown,
	}
}

// isPartial says whether a template file is only there for what it defines.
func (i *instance) isPartial(file string) bool {
	return strings.HasPrefix(path.Base(file), "_")
}

func (i *instance) isLibrary() bool {
	return strings.EqualFold(i.chart.Metadata.Type, "library")
}

// each calls a function with the instance and all below it, subcharts first.
func (i *instance) each(visit func(*instance)) {
	for _, sub := range i.subs {
		sub.each(visit)
	}
	visit(i)
}

// within says whether the instance is that one or a subchart below it.
func (i *instance) within(other *instance) bool {
	for ; i != nil; i = i.parent {
		if i == other {
			return true
		}
	}
	return false
}
