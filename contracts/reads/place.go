package reads

import (
	"slices"
	"sort"

	"contracts/shape"
)

// Use is a set of ways in which templates use a value.
type Use uint16

// The ways in which templates use a value.
const (
	Named       Use = 1 << iota // a template or a helper spells its key out
	Tested                      // if, with, not, default …: only whether it is set matters
	Printed                     // as text
	Whole                       // handed on with everything below it
	Within                      // handed on with everything below it, in a map that a template makes
	Ranged                      // gone through, or looked into by a key that is not known beforehand
	Mapped                      // used as a map
	Switch                      // a condition or tag of Chart.yaml
	TakesString                 // a type test allows for a string
	TakesMap                    // … for a map
	TakesList                   // … for a list
	TakesNumber                 // … for a number
	TakesBool                   // … for true or false
	TakesAny                    // … for anything
)

// Place is a key of a chart's values, or the values themselves.
type Place struct {
	// Children are the places below it, by key, whether or not they are Known.
	Children map[string]*Place
	// Uses says how templates use it.
	Uses Use
	// Defaulted: the values.yaml of the chart that the place belongs to has the key.
	Defaulted bool
	// Defaults are the default values for it, of the chart itself and of its parents.
	Defaults []any
	// Shape is what values.schema.json says of it, or nil.
	Shape *shape.Shape
	// Missing: the values of a subchart that the chart package does not hold.
	Missing bool
	// Chart: the values of a chart or subchart.
	Chart bool

	id     int
	tree   *tree
	each   *Place // stands for any value below it
	all    *Place // stands for it and any value below it, however deep
	depth  int
	put    map[string]value
	merged value
}

// maxDepth is how deep keys are told apart that no default value has: templates that go down by recursion would find
// ever new ones.
const maxDepth = 5

// tree is what all places of an analysis share.
type tree struct {
	places  int
	changed bool
}

func (t *tree) place() *Place {
	t.places++
	return &Place{Children: map[string]*Place{}, id: t.places, tree: t, put: map[string]value{}}
}

// Known says whether the key means anything to the chart: its values.yaml, a template or its schema has it.
func (p *Place) Known() bool {
	return p.Defaulted || p.Shape != nil || p.Chart || p.used()
}

// Free says whether any key may stand below it: it is handed on whole, or gone through.
func (p *Place) Free() bool {
	return p.Missing || p.Uses&(Whole|Within|Ranged) != 0
}

// Read says whether anything reads it or a value below it.
func (p *Place) Read() bool {
	return p.used() || p.Missing
}

// used says whether anything reads the place or a place below it.
func (p *Place) used() bool {
	if p.Uses != 0 {
		return true
	}
	for _, child := range p.Children {
		if child.used() {
			return true
		}
	}
	return false
}

// Keys are the keys below it that are Known, sorted.
func (p *Place) Keys() []string {
	var keys []string
	for key, child := range p.Children {
		if child.Known() {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}

// At is the place below it with that key; it is made where there is none, and is not Known then.
func (p *Place) At(keys ...string) *Place {
	for _, key := range keys {
		child := p.Children[key]
		if child == nil {
			child = p.tree.place()
			if !hasDefault(p, key) {
				child.depth = p.depth + 1
			}
			p.Children[key] = child
		}
		p = child
	}
	return p
}

// named is the place below it whose key a template spells out.
func (p *Place) named(key string) *Place {
	if p.all == p {
		return p
	}
	if p.Children[key] == nil && p.depth > maxDepth {
		return p.deep()
	}
	below := p.At(key)
	below.mark(Named)
	return below
}

func hasDefault(p *Place, key string) bool {
	for _, value := range p.Defaults {
		if below, isMap := value.(map[string]any); isMap {
			if _, has := below[key]; has {
				return true
			}
		}
	}
	return false
}

// any stands for each value below the place, whichever its key. What is below that is not told apart.
func (p *Place) any() *Place {
	if p.each == nil {
		each := p.tree.place()
		for _, value := range p.Defaults {
			each.Defaults = append(each.Defaults, elements(value)...)
		}
		each.each = each.sink()
		p.each = each
	}
	return p.each
}

// deep stands for the place and everything below it: where templates go down by recursion.
func (p *Place) deep() *Place {
	if p.all == nil {
		p.all = p.sink()
	}
	p.mark(Ranged)
	return p.all
}

// sink is a place that stands for all that is below it, too.
func (p *Place) sink() *Place {
	sink := p.tree.place()
	sink.all, sink.each = sink, sink
	sink.Defaults = p.Defaults
	return sink
}

// EachWhole says whether templates go through it and hand on what they find, whatever that is.
func (p *Place) EachWhole() bool {
	return p.each != nil && p.each.Uses&Whole != 0
}

// elements are the values below a default value, in a stable order.
func elements(value any) []any {
	switch value := value.(type) {
	case []any:
		return value
	case map[string]any:
		var below []any
		for _, key := range sortedKeys(value) {
			below = append(below, value[key])
		}
		return below
	}
	return nil
}

func (p *Place) mark(uses Use) {
	if p.Uses|uses != p.Uses {
		p.Uses |= uses
		p.tree.changed = true
	}
}

// setBelow notes that a template puts a value there.
func (p *Place) setBelow(key string, v value) {
	if joined := join(p.put[key], v); !joined.equals(p.put[key]) {
		p.put[key] = joined
		p.tree.changed = true
	}
}

// mergeIn notes that a template merges a map into the one there.
func (p *Place) mergeIn(v value) {
	if joined := join(p.merged, v); !joined.equals(p.merged) {
		p.merged = joined
		p.tree.changed = true
	}
}

// addDefault notes a default value; own: it is in the values.yaml of the place's own chart.
func (p *Place) addDefault(value any, own bool) {
	p.Defaults = append(p.Defaults, value)
	p.Defaulted = p.Defaulted || own
	below, _ := value.(map[string]any)
	for _, key := range sortedKeys(below) {
		child := p.At(key)
		child.addDefault(below[key], own && !child.Chart)
	}
}

// adopt takes over what is known of another place: who sets a value here sets it there.
func (p *Place) adopt(other *Place) {
	p.Uses |= other.Uses
	p.Defaulted = p.Defaulted || other.Defaulted
	p.Defaults = append(p.Defaults, other.Defaults...)
	if p.Shape == nil {
		p.Shape = other.Shape
	}
	for _, key := range sortedKeys(other.Children) {
		p.At(key).adopt(other.Children[key])
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
