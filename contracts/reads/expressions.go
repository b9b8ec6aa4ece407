package reads

import (
	"text/template/parse"
)

// pipe is what a pipeline stands for; it declares or assigns the variables that the pipeline names.
func (f *frame) pipe(pipe *parse.PipeNode) value {
	v := f.commands(pipe)
	for _, variable := range pipe.Decl {
		if pipe.IsAssign {
			f.assign(variable.Ident[0], v)
		} else {
			f.declare(variable.Ident[0], v)
		}
	}
	return v
}

func (f *frame) commands(pipe *parse.PipeNode) value {
	var v value
	for i, command := range pipe.Cmds {
		var piped []value
		if i > 0 {
			piped = []value{v}
		}
		v = f.command(command, piped)
	}
	return v
}

// command is what one command of a pipeline stands for; piped is the result of the one before it, if there is one.
func (f *frame) command(command *parse.CommandNode, piped []value) value {
	first, arguments := command.Args[0], func() []value {
		var values []value
		for _, argument := range command.Args[1:] {
			values = append(values, f.argument(argument))
		}
		return append(values, piped...)
	}
	switch node := first.(type) {
	case *parse.IdentifierNode:
		return f.call(node, node.Ident, arguments())
	case *parse.FieldNode:
		return f.chain(node, f.dot, node.Ident, arguments())
	case *parse.VariableNode:
		return f.chain(node, f.variable(node.Ident[0]), node.Ident[1:], arguments())
	case *parse.ChainNode:
		return f.chain(node, f.argument(node.Node), node.Field, arguments())
	}
	return f.argument(first)
}

// argument is what an operand stands for.
func (f *frame) argument(node parse.Node) value {
	switch node := node.(type) {
	case *parse.DotNode:
		return f.dot
	case *parse.FieldNode:
		return f.chain(node, f.dot, node.Ident, nil)
	case *parse.VariableNode:
		return f.chain(node, f.variable(node.Ident[0]), node.Ident[1:], nil)
	case *parse.ChainNode:
		return f.chain(node, f.argument(node.Node), node.Field, nil)
	case *parse.PipeNode:
		return f.commands(node)
	case *parse.IdentifierNode:
		return f.call(node, node.Ident, nil)
	case *parse.StringNode:
		return textOf(node.Text)
	case *parse.NumberNode:
		return textOf(node.Text)
	case *parse.BoolNode:
		return textOf(node.String())
	}
	return value{}
}

// chain follows fields from v on; the last of them may be a method with arguments.
func (f *frame) chain(site parse.Node, v value, fields []string, arguments []value) value {
	for i, name := range fields {
		given := arguments
		if i < len(fields)-1 {
			given = nil
		}
		if result, isMethod := f.method(site, v, name, given); isMethod {
			v = result
		} else {
			v = v.field(name)
		}
	}
	if len(fields) > 0 && len(arguments) > 0 && v.empty() {
		return unknown
	}
	return v
}

// method calls a method of helm's own types: the chart's files, its values.
func (f *frame) method(site parse.Node, v value, name string, arguments []value) (value, bool) {
	for _, d := range v.dicts {
		if d.files != nil {
			return f.filesMethod(site, d.files, name, arguments)
		}
	}
	for _, place := range v.places {
		if place.Chart && valuesMethods[name] != nil {
			return valuesMethods[name](v, arguments), true
		}
	}
	if len(arguments) == 0 {
		return value{}, false
	}
	// Capabilities.APIVersions.Has and the like: a text or a boolean.
	for _, argument := range arguments {
		argument.print()
	}
	return unknown, true
}

// valuesMethods are those of chartutil.Values.
var valuesMethods = map[string]func(v value, arguments []value) value{
	"AsMap":     func(v value, _ []value) value { return v },
	"YAML":      func(v value, _ []value) value { return serialized(v) },
	"Table":     func(v value, arguments []value) value { return v.path(arguments) },
	"PathValue": func(v value, arguments []value) value { return v.path(arguments) },
}
