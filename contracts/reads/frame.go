package reads

import (
	"slices"
	"strconv"
	"text/template/parse"
)

// body is the content of a template file, a define or a text that tpl renders.
type body struct {
	id   int
	name string
	root *parse.ListNode
}

// activation is a body that is rendered with one context.
type activation struct {
	id    int
	round int
	out   value
}

// frame is an activation at work: what template variables stand for at one place of the body.
type frame struct {
	*analysis
	dot       value
	variables []variable
	owner     int    // the activation that makes dicts here
	turn      string // of the loops around, whose turns are known one by one
}

type variable struct {
	name string
	value
}

// deep is how often a body may be rendered within itself before its contexts are no longer told apart.
const deep = 3

// textRounds is how long texts are followed that templates put together: those that include themselves may write ever
// longer ones.
const textRounds = 8

// render is what a body writes when it is rendered with that context.
func (a *analysis) render(b *body, context value) value {
	nested := a.nesting[b.id]
	if nested >= deep {
		context = context.sunk()
	}
	key := strconv.Itoa(b.id) + " " + context.key()
	run := a.activations[key]
	if run == nil {
		run = &activation{id: len(a.activations) + 1}
		a.activations[key] = run
	}
	if run.round == a.round {
		return run.out
	}
	run.round = a.round
	a.nesting[b.id]++
	defer func() { a.nesting[b.id]-- }()
	f := &frame{analysis: a, dot: context, variables: []variable{{"$", context}}, owner: run.id}
	if nested >= deep {
		f.owner = -b.id
	}
	out := f.list(b.root)
	if a.round > textRounds {
		out.texts = []string{unknownText}
	}
	if !out.equals(run.out) {
		run.out = out
		a.tree.changed = true
	}
	return run.out
}

// dictSite is where a dict is made: a call in a template, while an activation is at a turn of its loops.
type dictSite struct {
	call  parse.Node
	owner int
	turn  string
}

// dict is the dict that a call makes. The same call of the same activation makes the same one.
func (f *frame) dict(call parse.Node) *dict {
	return f.dictAt(dictSite{call, f.owner, f.turn})
}

func (a *analysis) dictAt(site dictSite) *dict {
	made := a.dicts[site]
	if made == nil {
		made = a.newDict()
		a.dicts[site] = made
	}
	return made
}

func (a *analysis) newDict() *dict {
	a.dictsMade++
	return &dict{id: a.dictsMade, fields: map[string]value{}, tree: a.tree}
}

func (f *frame) variable(name string) value {
	for i := len(f.variables) - 1; i >= 0; i-- {
		if f.variables[i].name == name {
			return f.variables[i].value
		}
	}
	return unknown
}

func (f *frame) declare(name string, v value) {
	f.variables = append(f.variables, variable{name, v})
}

func (f *frame) assign(name string, v value) {
	for i := len(f.variables) - 1; i >= 0; i-- {
		if f.variables[i].name == name {
			f.variables[i].value = v
			return
		}
	}
}

// branches runs alternatives, each from the present state, and joins the states that they lead to.
func (f *frame) branches(alternatives ...func() value) value {
	before := f.variables
	after := make([][]variable, len(alternatives))
	var out value
	for i, run := range alternatives {
		f.variables = slices.Clone(before)
		out = join(out, run())
		after[i] = f.variables[:len(before)]
	}
	f.variables = slices.Clone(before)
	for i := range f.variables {
		var all value
		for _, variables := range after {
			all = join(all, variables[i].value)
		}
		f.variables[i].value = all
	}
	return out
}

// scoped forgets the variables that run declares.
func (f *frame) scoped(run func() value) value {
	declared := len(f.variables)
	out := run()
	f.variables = f.variables[:declared]
	return out
}

// within runs with another dot.
func (f *frame) within(dot value, run func() value) value {
	outer := f.dot
	f.dot = dot
	out := run()
	f.dot = outer
	return out
}

// sameVariables says whether the variables stand for what they stood for.
func sameVariables(a, b []variable) bool {
	return slices.EqualFunc(a, b, func(x, y variable) bool { return x.equals(y.value) })
}
