package reads

import (
	"fmt"
	"text/template/parse"
)

// include is what the templates with those names write with a context.
func (a *analysis) include(names []string, context value) value {
	out := value{}
	for _, name := range names {
		found := a.named(name)
		for _, b := range found {
			out = join(out, a.render(b, context))
		}
		if len(found) == 0 && a.lacking {
			a.giveUp(name, context)
		}
	}
	if len(out.texts) == 0 {
		out.texts = []string{unknownText}
	}
	return out
}

// giveUp notes that a template is included which the package does not hold: it may read all that it is given.
func (a *analysis) giveUp(name string, context value) {
	a.warn("template %q is included, but not in the package: any value is allowed for what it is given", name)
	context.handOn()
	for _, d := range context.dicts {
		for _, key := range append(sortedKeys(d.fields), "") {
			for _, below := range append(d.fields[key].dicts, d) {
				if below.chart != nil {
					below.chart.values.mark(Whole)
				}
			}
		}
	}
}

// named are the bodies that a name, known or known in parts, may stand for.
func (a *analysis) named(name string) []*body {
	if isKnown(name) {
		return a.bodies[name]
	}
	if name == unknownText {
		a.warn("a template is included whose name can't be told: every helper is taken to read that context")
	}
	var found []*body
	for _, other := range sortedKeys(a.bodies) {
		if fits(name, other) {
			found = append(found, a.bodies[other]...)
		}
	}
	return found
}

// template renders a text as tpl does. The text may be a default value, or what a template makes of one.
func (a *analysis) template(text, context value) value {
	out := value{texts: []string{unknownText}, inside: text.inside, beside: text.beside}
	var texts []string
	for _, known := range text.texts {
		if isKnown(known) {
			texts = append(texts, known)
		}
	}
	sources := value{places: joinPlaces(text.from, text.places)}
	if text.inside != nil {
		sources = join(sources, *text.inside)
	}
	for _, place := range sources.reached(map[int]bool{}) {
		for _, value := range place.Defaults {
			texts = append(texts, textsWithin(value)...)
		}
	}
	for _, source := range texts {
		if !templated(source) {
			out.texts = distinctTexts(append(out.texts, source))
		} else if b := a.textBody(source); b != nil {
			out = join(out, a.render(b, context))
		}
	}
	return out
}

// textsWithin are the texts in a default value, however deep.
func textsWithin(value any) []string {
	if text, isText := value.(string); isText {
		return []string{text}
	}
	var texts []string
	for _, below := range elements(value) {
		texts = append(texts, textsWithin(below)...)
	}
	return texts
}

// textBody is a text that tpl renders, parsed; nil if it is no template.
func (a *analysis) textBody(text string) *body {
	if b, done := a.texts[text]; done {
		return b
	}
	a.texts[text] = nil
	trees, err := parseTemplate("tpl", text)
	if err != nil {
		return nil
	}
	for _, name := range sortedKeys(trees) {
		b := a.newBody(name, trees[name])
		if name == "tpl" {
			a.texts[text] = b
		} else {
			a.bodies[name] = append(a.bodies[name], b)
		}
	}
	return a.texts[text]
}

func (a *analysis) newBody(name string, tree *parse.Tree) *body {
	a.bodiesMade++
	return &body{id: a.bodiesMade, name: name, root: tree.Root}
}

// parseTemplate parses a file or text: its own content under its name, and what it defines.
func parseTemplate(name, text string) (map[string]*parse.Tree, error) {
	trees := map[string]*parse.Tree{}
	tree := parse.New(name)
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(text, "{{", "}}", trees); err != nil {
		return nil, err
	}
	return trees, nil
}

func (a *analysis) warn(format string, arguments ...any) {
	a.warnings[fmt.Sprintf(format, arguments...)] = true
}
