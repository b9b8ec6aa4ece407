package reads

import (
	"slices"
	"strconv"
	"strings"
)

// listFunctions make and go through lists.
var listFunctions = map[string]function{
	"list":  func(c *call) value { return listOf(c.arguments...) },
	"tuple": func(c *call) value { return listOf(c.arguments...) },
	"append": func(c *call) value {
		return eachList(c.arg(0), func(items []value) value { return listOf(append(slices.Clone(items), c.arg(1))...) }, c.arg(1))
	},
	"prepend": func(c *call) value {
		return eachList(c.arg(0), func(items []value) value { return listOf(append([]value{c.arg(1)}, items...)...) }, c.arg(1))
	},
	"concat": concatLists,
	"first":  func(c *call) value { return pickItem(c.arg(0), func(items []value) value { return items[0] }) },
	"last": func(c *call) value {
		return pickItem(c.arg(0), func(items []value) value { return items[len(items)-1] })
	},
	"rest": func(c *call) value {
		return eachList(c.arg(0), func(items []value) value { return listOf(items[min(1, len(items)):]...) })
	},
	"initial": func(c *call) value {
		return eachList(c.arg(0), func(items []value) value { return listOf(items[:max(len(items)-1, 0)]...) })
	},
	"reverse": func(c *call) value {
		return eachList(c.arg(0), func(items []value) value {
			items = slices.Clone(items)
			slices.Reverse(items)
			return listOf(items...)
		})
	},
	"uniq": anyOfList, "compact": anyOfList, "slice": anyOfList, "sortAlpha": anyOfList, "toStrings": anyOfList,
	"without": anyOfList,
	"chunk":   func(c *call) value { return listOfAny(listOfAny(c.last().any())) },
	"has":     func(c *call) value { c.arg(0).print(); c.last().any(); return unknown },
	"join":    joinList, "split": splitIntoDict, "splitn": splitIntoDict,
	"splitList": splitList, "regexSplit": func(c *call) value { textual(c); return listOfAny(unknown) },
	"until":        func(c *call) value { textual(c); return listOfAny(unknown) },
	"untilStep":    func(c *call) value { textual(c); return listOfAny(unknown) },
	"regexFindAll": func(c *call) value { textual(c); return listOfAny(unknown) },
}

// eachList applies a function to each list that v may be whose items are known. What else v may be becomes a list of
// unknown length, with the added items in it.
func eachList(v value, apply func(items []value) value, added ...value) value {
	var result value
	rest := value{places: v.places, texts: v.texts}
	for _, l := range v.lists {
		if l.others == nil {
			result = join(result, apply(l.items))
		} else {
			rest.lists = append(rest.lists, l)
		}
	}
	if !rest.empty() || result.empty() {
		result = join(result, listOfAny(join(append(added, rest.any())...)))
	}
	return result
}

// pickItem is one item of each list that v may be.
func pickItem(v value, pick func(items []value) value) value {
	var result value
	rest := value{places: v.places, texts: v.texts}
	for _, l := range v.lists {
		if l.others != nil {
			rest.lists = append(rest.lists, l)
		} else if len(l.items) > 0 {
			result = join(result, pick(l.items))
		}
	}
	return join(result, rest.any())
}

func anyOfList(c *call) value {
	list := c.arg(0)
	if c.name == "toStrings" || c.name == "sortAlpha" {
		list = c.last()
	}
	return eachList(list, func(items []value) value { return listOf(items...) })
}

func concatLists(c *call) value {
	all := listOf()
	for _, next := range c.arguments {
		var joined value
		for _, l := range all.lists {
			joined = join(joined, eachList(next, func(items []value) value {
				if l.others != nil {
					return listOfAny(join(append(items, *l.others)...))
				}
				return listOf(append(slices.Clone(l.items), items...)...)
			}, l.any()))
		}
		all = joined
	}
	return all
}

// joinList writes a list; a text in its stead is written as it is.
func joinList(c *call) value {
	v := c.last()
	v.mark(Ranged | TakesString)
	c.arg(0).print()
	var texts []string
	for _, l := range v.lists {
		texts = append(texts, joinTexts(l, texted(c.arg(0)))...)
	}
	if len(texts) == 0 || len(v.places)+len(v.texts) > 0 {
		texts = append(texts, unknownText)
	}
	out := v.any().print()
	out.texts = distinctTexts(texts)
	return out
}

func joinTexts(l *list, separators []string) []string {
	if l.others != nil {
		return []string{unknownText}
	}
	texts := []string{""}
	for i, item := range l.items {
		if i > 0 {
			texts = concat(texts, separators)
		}
		texts = concat(texts, texted(item))
	}
	return texts
}

func splitList(c *call) value {
	textual(c)
	return splitTexts(c, func(parts []string) value {
		var items []value
		for _, part := range parts {
			items = append(items, textOf(part))
		}
		return listOf(items...)
	}, listOfAny(unknown))
}

// splitIntoDict is split: its result is a map with the keys _0, _1 and so on.
func splitIntoDict(c *call) value {
	textual(c)
	return splitTexts(c, func(parts []string) value {
		d := c.dictAt(dictSite{c.site, c.owner, c.turn + strings.Join(parts, "/")})
		for i, part := range parts {
			d.set("_"+strconv.Itoa(i), textOf(part))
		}
		return value{dicts: []*dict{d}}
	}, unknown)
}

// splitTexts splits the last argument at the first; other is the result for a text that isn't known.
func splitTexts(c *call, result func(parts []string) value, other value) value {
	var split value
	for _, separator := range texted(c.arg(0)) {
		for _, text := range texted(c.last()) {
			if isKnown(separator) && isKnown(text) {
				split = join(split, result(strings.Split(text, separator)))
			} else {
				split = join(split, other)
			}
		}
	}
	return split
}
