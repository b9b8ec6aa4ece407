package reads

import (
	"strings"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

// textualFunctions make texts, or read them.
var textualFunctions = map[string]function{
	"toYaml": serialize, "toYamlPretty": serialize, "toJson": serialize, "toPrettyJson": serialize,
	"toRawJson": serialize, "toToml": serialize,
	"mustToYaml": serialize, "mustToToml": serialize,
	"fromYaml": deserialize, "fromJson": deserialize, "fromToml": deserialize,
	"fromYamlArray": deserialize, "fromJsonArray": deserialize,
	"indent": layout, "nindent": layout,
	"trim": kept, "trimAll": kept, "trimPrefix": kept, "trimSuffix": kept, "toString": kept, "replace": kept,
	"lower": kept, "upper": kept, "title": kept, "untitle": kept, "camelcase": kept, "kebabcase": kept,
	"snakecase": kept, "nospace": kept,
	"print": printAll, "println": printAll, "cat": printAll,
	"printf":  printFormat,
	"sha1sum": hash, "sha256sum": hash, "sha512sum": hash, "adler32sum": hash,
}

// textual makes an unknown text of all arguments; what they hold in full, the text does.
func textual(c *call) value {
	out := value{texts: []string{unknownText}}
	for _, argument := range c.arguments {
		printed := argument.print()
		out.inside = joinInside(out.inside, printed.inside)
		out.from = joinPlaces(out.from, printed.from)
	}
	out.beside = out.inside != nil
	return out
}

// serialize writes a value in full. Nothing is handed on yet: the text may be read back, or hashed.
func serialize(c *call) value {
	return serialized(c.arg(0))
}

func serialized(v value) value {
	out := value{texts: v.texts, inside: v.inside, beside: v.beside || v.inside != nil}
	if len(v.places)+len(v.dicts)+len(v.lists) > 0 {
		out.inside = joinInside(out.inside, &value{places: v.places, dicts: v.dicts, lists: v.lists})
	}
	return out
}

// deserialize reads a text: if nothing stands beside what was written in full, it is that again.
func deserialize(c *call) value {
	text := c.arg(0).print()
	var read value
	for _, known := range text.texts {
		read = join(read, c.parsed(known))
	}
	if text.inside == nil {
		return read
	}
	if text.beside {
		text.inside.handOn()
		return join(read, unknown)
	}
	return join(read, *text.inside)
}

// parsed is what a text says, if it is known: templates keep lists of keys and maps as text.
func (c *call) parsed(text string) value {
	var content any
	if !isKnown(text) || yaml.Unmarshal([]byte(text), &content) != nil {
		return unknown
	}
	return c.constant(content, text)
}

// constant is a value made of known data; path tells the maps within it apart.
func (c *call) constant(content any, path string) value {
	switch content := content.(type) {
	case map[string]any:
		d := c.dictAt(dictSite{c.site, c.owner, c.turn + path})
		for _, key := range sortedKeys(content) {
			d.set(key, c.constant(content[key], path+"."+key))
		}
		return value{dicts: []*dict{d}}
	case []any:
		var items []value
		for _, item := range content {
			items = append(items, c.constant(item, path+"[]"))
		}
		return listOf(items...)
	case string:
		return textOf(content)
	case nil:
		return value{}
	}
	return unknown
}

// layout is a text with blanks added: nothing that matters here.
func layout(c *call) value {
	return c.last().print()
}

// kept applies a function of sprig to texts that are known; nothing that is in a text gets lost.
func kept(c *call) value {
	textual(c)
	out := c.last().print()
	out.texts = mapTexts(out.texts, func(text string) string { return c.applied(text) })
	return out
}

// applied is the result of a sprig function whose last argument is a text.
func (c *call) applied(text string) string {
	var given []string
	for i := range len(c.arguments) - 1 {
		texts := texted(c.arg(i))
		if len(texts) != 1 || !isKnown(texts[0]) {
			return unknownText
		}
		given = append(given, texts[0])
	}
	switch apply := sprig.TxtFuncMap()[c.name].(type) {
	case func(string) string:
		return apply(text)
	case func(string, string) string:
		if len(given) == 1 {
			return apply(given[0], text)
		}
	case func(string, string, string) string:
		if len(given) == 2 {
			return apply(given[0], given[1], text)
		}
	}
	if c.name == "toString" {
		return text
	}
	return unknownText
}

func printAll(c *call) value {
	out := nothing
	for i, argument := range c.arguments {
		if i > 0 && c.name != "print" {
			out = out.then(textOf(" "))
		}
		out = out.then(argument.print())
	}
	return out
}

// printFormat is printf. Verbs are told from plain text only by what text/template allows to stand there.
func printFormat(c *call) value {
	var out value
	for _, format := range texted(c.arg(0)) {
		if !isKnown(format) {
			return textual(c)
		}
		out = join(out, c.formatted(format))
	}
	return out
}

func (c *call) formatted(format string) value {
	out, next := nothing, 1
	for format != "" {
		at := strings.IndexByte(format, '%')
		if at < 0 || at == len(format)-1 {
			return out.then(textOf(format))
		}
		out = out.then(textOf(format[:at]))
		verb := at + 1 + strings.IndexFunc(format[at+1:], func(r rune) bool { return !strings.ContainsRune("+-# 0123456789.", r) })
		switch {
		case verb <= at || format[verb] == '%':
			out = out.then(textOf("%"))
			verb = max(verb, at+1)
		case format[verb] == 's' || format[verb] == 'v' || format[verb] == 'd':
			out = out.then(c.arg(next).print())
			next++
		default:
			printed := c.arg(next).print()
			printed.texts = []string{unknownText}
			out = out.then(printed)
			next++
		}
		format = format[verb+1:]
	}
	return out
}

// hash is a text that tells a change, and nothing else, of what it is made of: no use of what was written in full.
func hash(c *call) value {
	printed := c.arg(0).print()
	if printed.inside != nil {
		for _, place := range printed.inside.places {
			if !place.Chart {
				place.mark(Tested)
			}
		}
	}
	return unknown
}

func upperFirst(name string) string {
	return strings.ToUpper(name[:1]) + name[1:]
}
