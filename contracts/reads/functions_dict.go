package reads

// dictFunctions make, change and look into maps.
var dictFunctions = map[string]function{
	"dict":     makeDict,
	"set":      setField,
	"unset":    func(c *call) value { return c.arg(0) },
	"get":      func(c *call) value { return c.arg(0).at(keys(c.arg(1))) },
	"hasKey":   hasKey,
	"index":    index,
	"dig":      dig,
	"pluck":    pluck,
	"pick":     pick,
	"omit":     func(c *call) value { return copied(c, c.arg(0)) },
	"deepCopy": func(c *call) value { return copied(c, c.arg(0)) },
	"keys":     dictKeys,
	"values":   func(c *call) value { return listOfAny(c.arg(0).any()) },
	"merge":    merge, "mergeOverwrite": merge,
}

// keys are the keys that a value may be; a value of the chart's own values may be any.
func keys(v value) []string {
	return texted(v)
}

func makeDict(c *call) value {
	d := c.dict(c.site)
	for i := 0; i < len(c.arguments); i += 2 {
		d.setUnder(keys(c.arg(i)), c.arg(i+1))
	}
	return value{dicts: []*dict{d}}
}

func (d *dict) setUnder(keys []string, v value) {
	for _, key := range keys {
		if isKnown(key) {
			d.set(key, v)
		} else {
			d.setOther(v)
		}
	}
}

func setField(c *call) value {
	target, names, v := c.arg(0), keys(c.arg(1)), c.arg(2)
	for _, d := range target.dicts {
		d.setUnder(names, v)
		d.grown = true
	}
	for _, place := range target.places {
		place.mark(Mapped)
		for _, name := range names {
			place.setBelow(name, v)
		}
	}
	return target
}

func hasKey(c *call) value {
	c.arg(0).at(keys(c.arg(1))).mark(Tested)
	return unknown
}

func index(c *call) value {
	v := c.arg(0)
	for _, key := range c.after(1) {
		v = v.at(keys(key))
	}
	return v
}

// dig takes keys, a default and the map.
func dig(c *call) value {
	v := c.last()
	for _, key := range c.arguments[:max(len(c.arguments)-2, 0)] {
		v = v.at(keys(key))
	}
	return join(v, c.arg(len(c.arguments)-2))
}

// pluck takes a key and maps; those that don't have the key are not in the result.
func pluck(c *call) value {
	var items []value
	for _, v := range c.after(1) {
		items = append(items, v.at(keys(c.arg(0))))
	}
	return listOfAny(join(items...))
}

func pick(c *call) value {
	d := c.dict(c.site)
	c.arg(0).mark(Mapped)
	for _, names := range c.after(1) {
		for _, name := range keys(names) {
			d.setUnder([]string{name}, c.arg(0).at([]string{name}))
		}
	}
	return value{dicts: []*dict{d}}
}

// copied is a new map with all that is in v: what is done to it is not done to v.
func copied(c *call, v value) value {
	if len(v.places)+len(v.dicts) == 0 {
		return v
	}
	d := c.dict(c.site)
	v.mark(Mapped)
	d.mergeIn(value{places: v.places, dicts: v.dicts})
	return value{dicts: []*dict{d}, lists: v.lists, texts: v.texts}
}

// merge changes the first map: it has all that is in the others, too.
func merge(c *call) value {
	target := c.arg(0)
	join(c.arguments...).mark(Mapped)
	for _, source := range c.after(1) {
		source = value{places: source.places, dicts: source.dicts, texts: source.texts}
		for _, d := range target.dicts {
			d.mergeIn(source)
		}
		for _, place := range target.places {
			place.mergeIn(source)
		}
	}
	return join(c.arguments...)
}

func dictKeys(c *call) value {
	var names []string
	for _, v := range c.arguments {
		v.mark(Ranged | Mapped)
		if len(v.places)+len(v.texts) > 0 {
			names = append(names, unknownText)
		}
		for _, d := range v.dicts {
			if !d.others.empty() || !d.merged.empty() {
				names = append(names, unknownText)
			}
			d.merged.mark(Ranged)
			names = append(names, sortedKeys(d.fields)...)
		}
	}
	items := []value{}
	for _, name := range names {
		items = append(items, textOf(name))
	}
	if len(names) == 0 || !isKnown(join(items...).texts[0]) {
		return listOfAny(join(items...))
	}
	return listOf(items...)
}
