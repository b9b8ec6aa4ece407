// Package reads tells which values of a chart its templates read.
//
// It renders every template without values: each expression stands for all that it may be, places of the chart's values
// among them, and what is done with a place is noted there. That is repeated until nothing new is found.
package reads

import (
	"fmt"

	"helm.sh/helm/v3/pkg/chart"
)

// maxRounds is a safeguard. Most charts settle within five; one whose values are all handed through its library's loops
// (bjw-s app-template 4.1.1, 2026-11) takes 17.
const maxRounds = 40

// Result is what an analysis found.
type Result struct {
	// Values are the chart's values.
	Values *Place
	// Warnings name what can't be told exactly; any value is allowed there.
	Warnings []string
}

// analysis is the state of one.
type analysis struct {
	tree        *tree
	partial     bool
	lacking     bool // a dependency is not in the package
	round       int
	bodies      map[string][]*body
	bodiesMade  int
	texts       map[string]*body
	activations map[string]*activation
	nesting     map[int]int
	dicts       map[dictSite]*dict
	dictsMade   int
	warnings    map[string]bool
}

// Analyse tells which values a chart and its subcharts read. A dependency that the package lacks is an error, unless
// partial allows any value for it.
func Analyse(c *chart.Chart, partial bool) (*Result, error) {
	a := &analysis{
		tree:        &tree{},
		partial:     partial,
		bodies:      map[string][]*body{},
		texts:       map[string]*body{},
		activations: map[string]*activation{},
		nesting:     map[int]int{},
		dicts:       map[dictSite]*dict{},
		warnings:    map[string]bool{},
	}
	root, err := a.load(c, nil, c.Name(), a.tree.place())
	if err != nil {
		return nil, err
	}
	rendered, err := a.parseAll(root)
	if err != nil {
		return nil, err
	}
	if err := a.settle(rendered); err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.Name(), err)
	}
	root.link(root)
	return &Result{Values: root.values, Warnings: sortedKeys(a.warnings)}, nil
}

// settle renders all templates until nothing new is found.
func (a *analysis) settle(rendered []file) error {
	for a.round = 1; a.round <= maxRounds; a.round++ {
		a.tree.changed = false
		for _, f := range rendered {
			a.render(f.body, value{dicts: []*dict{f.by.context}}).handOn()
		}
		if !a.tree.changed {
			return nil
		}
	}
	return fmt.Errorf("which values its templates read isn't settled after %d rounds: a fault of this program", maxRounds)
}
