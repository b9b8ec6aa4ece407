package reads

import (
	"text/template/parse"

	"github.com/Masterminds/sprig/v3"
)

// function is what a call of a template function stands for.
type function func(c *call) value

// call is a call of a template function with its arguments.
type call struct {
	*frame
	site      parse.Node
	name      string
	arguments []value
}

// arg is an argument, or nothing where the call has fewer.
func (c *call) arg(number int) value {
	if number < len(c.arguments) {
		return c.arguments[number]
	}
	return value{}
}

// after are the arguments from a number on.
func (c *call) after(number int) []value {
	return c.arguments[min(number, len(c.arguments)):]
}

// last is the last argument, which is where a pipeline puts its value.
func (c *call) last() value {
	return c.arg(len(c.arguments) - 1)
}

// functions are those that don't just make a text of texts.
var functions map[string]function

// textFunctions are the names of all functions of sprig and text/template: what functions doesn't have only makes a
// text, a number or a boolean out of its arguments.
var textFunctions = map[string]bool{}

func init() {
	for name := range sprig.TxtFuncMap() {
		textFunctions[name] = true
	}
	for _, name := range []string{"html", "js", "urlquery", "call", "lookup", "le", "lt", "ge", "gt"} {
		textFunctions[name] = true
	}
	functions = map[string]function{}
	for _, group := range []map[string]function{flowFunctions, dictFunctions, listFunctions, textualFunctions} {
		for name, apply := range group {
			functions[name] = apply
			if textFunctions["must"+upperFirst(name)] {
				functions["must"+upperFirst(name)] = apply
			}
		}
	}
}

// call is what a function returns. A function that is not known may do anything with what it is given.
func (f *frame) call(site parse.Node, name string, arguments []value) value {
	c := &call{frame: f, site: site, name: name, arguments: arguments}
	if apply := functions[name]; apply != nil {
		return apply(c)
	}
	if textFunctions[name] {
		return textual(c)
	}
	f.warn("function %s is not known: what it is given is taken as handed on", name)
	for _, argument := range arguments {
		argument.handOn()
	}
	return unknown
}

// flowFunctions pass their arguments on, or look at them only.
var flowFunctions = map[string]function{
	"and": either, "or": either, "coalesce": either, "default": either,
	"not": look, "empty": look, "all": look, "any": look, "len": look, "deepEqual": look,
	"eq": look, "ne": look,
	"ternary": func(c *call) value {
		c.arg(2).mark(Tested)
		return join(c.arg(0), c.arg(1))
	},
	"required": func(c *call) value { return c.last() },
	"fail":     func(c *call) value { c.arg(0).mark(Printed); return value{} },
	"include":  func(c *call) value { return c.include(texted(c.arg(0)), c.arg(1)) },
	"tpl":      func(c *call) value { return c.template(c.arg(0).print(), c.arg(1)) },
	"kindIs":   ofKind,
	"typeIs":   ofKind, "typeIsLike": ofKind,
	"kindOf": func(c *call) value { c.arg(0).mark(TakesAny); return unknown },
	"typeOf": func(c *call) value { c.arg(0).mark(TakesAny); return unknown },
}

func either(c *call) value {
	join(c.arguments...).mark(Tested)
	return join(c.arguments...)
}

func ofKind(c *call) value {
	c.last().mark(kinds(c.arg(0)))
	return unknown
}

func look(c *call) value {
	join(c.arguments...).mark(Tested)
	return unknown
}

// kinds are the uses that a type test with one of those names allows for.
func kinds(names value) Use {
	var uses Use
	for _, name := range texted(names) {
		switch {
		case name == "string" || name == "*string":
			uses |= TakesString
		case name == "map" || len(name) > 4 && name[:4] == "map[":
			uses |= TakesMap
		case name == "slice" || name == "array" || len(name) > 2 && name[:2] == "[]":
			uses |= TakesList
		case name == "bool":
			uses |= TakesBool
		case name == "invalid" || name == "<nil>":
		case isKnown(name):
			uses |= TakesNumber
		default:
			uses |= TakesAny
		}
	}
	return uses
}
