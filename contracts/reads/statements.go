package reads

import (
	"strconv"
	"text/template/parse"
)

// maxLoops is how many lists and maps that a loop may be over are told apart.
const maxLoops = 8

// maxTurns is how often a loop is run through whose turns aren't known one by one.
const maxTurns = 4

var nothing = textOf("")

// list is what a list of statements writes.
func (f *frame) list(list *parse.ListNode) value {
	out := nothing
	if list == nil {
		return out
	}
	for _, node := range list.Nodes {
		out = out.then(f.statement(node))
	}
	return out
}

func (f *frame) statement(node parse.Node) value {
	switch node := node.(type) {
	case *parse.TextNode:
		return textOf(string(node.Text))
	case *parse.ActionNode:
		v := f.pipe(node.Pipe)
		if len(node.Pipe.Decl) == 0 {
			return v.print()
		}
	case *parse.IfNode:
		return f.scoped(func() value { return f.choose(node) })
	case *parse.WithNode:
		return f.scoped(func() value { return f.with(node) })
	case *parse.RangeNode:
		return f.scoped(func() value { return f.loop(node) })
	case *parse.TemplateNode:
		var context value
		if node.Pipe != nil {
			context = f.pipe(node.Pipe)
		}
		return f.include([]string{node.Name}, context)
	}
	return nothing
}

func (f *frame) choose(node *parse.IfNode) value {
	f.pipe(node.Pipe).mark(Tested)
	return f.branches(
		func() value { return f.list(node.List) },
		func() value { return f.list(node.ElseList) },
	)
}

func (f *frame) with(node *parse.WithNode) value {
	v := f.pipe(node.Pipe)
	v.mark(Tested)
	return f.branches(
		func() value { return f.within(v, func() value { return f.list(node.List) }) },
		func() value { return f.list(node.ElseList) },
	)
}

// turn is one turn of a loop.
type turn struct {
	key, item value
}

func (f *frame) loop(node *parse.RangeNode) value {
	v := f.commands(node.Pipe)
	known, rest := turns(v)
	var alternatives []func() value
	none := len(known) == 0
	for _, loop := range known {
		alternatives = append(alternatives, func() value { return f.turnByTurn(node, loop.turns) })
		none = none || loop.maybeNone
	}
	if !rest.empty() {
		each := rest.any()
		alternatives = append(alternatives, func() value { return f.anyTurns(node, turn{unknown, each}) })
		none = true
	}
	if none {
		alternatives = append(alternatives, func() value { return f.list(node.ElseList) })
	}
	return f.branches(alternatives...)
}

// knownLoop is a loop whose turns are known; there may be none at all.
type knownLoop struct {
	turns     []turn
	maybeNone bool
}

// turns are the loops through v whose turns are known, and what else v may be.
func turns(v value) (known []knownLoop, rest value) {
	if len(v.lists)+len(v.dicts) > maxLoops {
		return nil, v
	}
	rest = value{places: v.places, texts: v.texts, inside: v.inside}
	for _, l := range v.lists {
		if l.others != nil {
			rest = join(rest, value{lists: []*list{l}})
			continue
		}
		loop := knownLoop{maybeNone: len(l.items) == 0}
		for i, item := range l.items {
			loop.turns = append(loop.turns, turn{textOf(strconv.Itoa(i)), item})
		}
		known = append(known, loop)
	}
	for _, d := range v.dicts {
		if !d.others.empty() || !d.merged.empty() || len(d.fields) > maxItems {
			rest = join(rest, value{dicts: []*dict{d}})
			continue
		}
		loop := knownLoop{maybeNone: d.grown || len(d.fields) == 0}
		for _, key := range sortedKeys(d.fields) {
			loop.turns = append(loop.turns, turn{textOf(key), d.fields[key]})
		}
		known = append(known, loop)
	}
	return known, rest
}

// turnByTurn runs through a loop whose turns are known.
func (f *frame) turnByTurn(node *parse.RangeNode, loop []turn) value {
	outer, out := f.turn, nothing
	for i, turn := range loop {
		f.turn = outer + "/" + strconv.Itoa(i)
		out = out.then(f.once(node, turn))
	}
	f.turn = outer
	return out
}

// anyTurns runs through a loop of any length until nothing new comes of it.
func (f *frame) anyTurns(node *parse.RangeNode, turn turn) value {
	out := nothing
	for range maxTurns {
		before := append([]variable(nil), f.variables...)
		out = join(out, f.branches(
			func() value { return nothing },
			func() value { return f.once(node, turn) },
		))
		if sameVariables(before, f.variables) {
			break
		}
		for i := range f.variables {
			if !f.variables[i].equals(before[i].value) {
				f.variables[i].value = f.variables[i].widened()
			}
		}
	}
	if out.worded() {
		out.texts = []string{unknownText}
		out.beside = out.beside || out.inside != nil
	}
	return out
}

// once is one turn of a loop.
func (f *frame) once(node *parse.RangeNode, turn turn) value {
	return f.scoped(func() value {
		for i, variable := range node.Pipe.Decl {
			v := turn.item
			if i == 0 && len(node.Pipe.Decl) == 2 {
				v = turn.key
			}
			if node.Pipe.IsAssign {
				f.assign(variable.Ident[0], v)
			} else {
				f.declare(variable.Ident[0], v)
			}
		}
		return f.within(turn.item, func() value { return f.list(node.List) })
	})
}
