package reads

import (
	"slices"
	"strconv"
	"strings"
)

// field is what v has under a key. Asking a place for it makes the key one that a template names.
func (v value) field(key string) value {
	return join(v.fieldParts(key, nil, map[int]bool{})...)
}

// fieldParts adds what v has under a key to parts; seen are the places, and dicts by their negative ids, already asked.
func (v value) fieldParts(key string, parts []value, seen map[int]bool) []value {
	for _, place := range v.places {
		if !seen[place.id] {
			seen[place.id] = true
			parts = append(parts, placed(place.named(key)), place.put[key])
			parts = place.merged.fieldParts(key, parts, seen)
		}
	}
	for _, dict := range v.dicts {
		if !seen[-dict.id] {
			seen[-dict.id] = true
			below, has := dict.fields[key]
			if !has {
				below = dict.absent
			}
			parts = append(parts, below, dict.others)
			parts = dict.merged.fieldParts(key, parts, seen)
		}
	}
	for _, text := range v.texts {
		if text == unknownText {
			parts = append(parts, unknown)
		}
	}
	return parts
}

// at is what v has under any of the keys, or at any of those numbers.
func (v value) at(keys []string) value {
	var found value
	for _, key := range keys {
		switch {
		case !isKnown(key):
			found = join(found, v.any())
		case key != "":
			found = join(found, v.fieldOrItem(key))
		}
	}
	return found
}

// fieldOrItem is what v has under a key or, if that is a number, at that number.
func (v value) fieldOrItem(key string) value {
	number, err := strconv.Atoi(key)
	if err != nil {
		return v.field(key)
	}
	// Numbers are for lists; of those in values nothing is told apart.
	found := value{dicts: v.dicts, texts: v.texts}.field(key)
	if len(v.places) > 0 {
		found = join(found, value{places: v.places}.any())
	}
	for _, list := range v.lists {
		if list.others != nil {
			found = join(found, list.any())
		} else if number >= 0 && number < len(list.items) {
			found = join(found, list.items[number])
		}
	}
	return found
}

// any is what v has under whichever key or number. Asking a place for it says that any key may stand there.
func (v value) any() value {
	return join(v.anyParts(nil, map[int]bool{})...)
}

// anyParts adds what v has under any key to parts; seen is as with fieldParts.
func (v value) anyParts(parts []value, seen map[int]bool) []value {
	for _, place := range v.places {
		if !seen[place.id] {
			seen[place.id] = true
			place.mark(Ranged)
			parts = append(parts, placed(place.any()))
			parts = append(parts, inOrder(place.put)...)
			parts = place.merged.anyParts(parts, seen)
		}
	}
	for _, dict := range v.dicts {
		if !seen[-dict.id] {
			seen[-dict.id] = true
			parts = append(parts, dict.others)
			parts = append(parts, inOrder(dict.fields)...)
			parts = dict.merged.anyParts(parts, seen)
		}
	}
	for _, list := range v.lists {
		parts = append(parts, list.any())
	}
	if len(v.texts) > 0 {
		parts = append(parts, unknown)
	}
	return parts
}

// inOrder are the values of a map in the order of its keys.
func inOrder(fields map[string]value) []value {
	values := make([]value, 0, len(fields))
	for _, key := range sortedKeys(fields) {
		values = append(values, fields[key])
	}
	return values
}

// mark notes a use of the places themselves that v may be.
func (v value) mark(uses Use) {
	for _, place := range v.places {
		place.mark(uses)
	}
}

// handOn notes that v is handed on whole, with all that is in it.
func (v value) handOn() {
	v.handOnAs(Whole, map[handed]bool{})
}

// handed is a place, or a dict by the negative of its id, that is handed on in a certain way.
type handed struct {
	id  int
	use Use
}

func (v value) handOnAs(use Use, seen map[handed]bool) {
	for _, place := range v.places {
		if seen[handed{place.id, use}] {
			continue
		}
		seen[handed{place.id, use}] = true
		place.mark(use)
		place.merged.handOnAs(use, seen)
		for _, key := range sortedKeys(place.put) {
			place.put[key].handOnAs(Within, seen)
		}
	}
	for _, dict := range v.dicts {
		// Some charts write out their context, where they mean to write a value (`toYaml .`): that reads nothing.
		if seen[handed{-dict.id, use}] || dict.chart != nil {
			continue
		}
		seen[handed{-dict.id, use}] = true
		dict.merged.handOnAs(use, seen)
		dict.others.handOnAs(Within, seen)
		for _, key := range sortedKeys(dict.fields) {
			dict.fields[key].handOnAs(Within, seen)
		}
	}
	for _, list := range v.lists {
		list.any().handOnAs(Within, seen)
	}
	if v.inside != nil {
		v.inside.handOnAs(use, seen)
	}
}

// reached are the places that v may be or hold.
func (v value) reached(seen map[int]bool) []*Place {
	places := slices.Clone(v.places)
	for _, l := range v.lists {
		places = append(places, l.any().reached(seen)...)
	}
	for _, d := range v.dicts {
		if seen[d.id] {
			continue
		}
		seen[d.id] = true
		for _, key := range sortedKeys(d.fields) {
			places = append(places, d.fields[key].reached(seen)...)
		}
		places = append(places, join(d.others, d.merged).reached(seen)...)
	}
	return distinctPlaces(places)
}

// print is the text that v is written as.
func (v value) print() value {
	v.mark(Printed)
	value{dicts: v.dicts, lists: v.lists}.handOn()
	out := value{texts: v.texts, inside: v.inside, beside: v.beside, from: joinPlaces(v.from, v.places)}
	switch {
	case len(v.places)+len(v.dicts)+len(v.lists) > 0:
		out.texts = distinctTexts(append([]string{unknownText}, v.texts...))
	case v.inside != nil || len(v.texts) == 0:
		out.texts = distinctTexts(append([]string{""}, v.texts...))
	}
	return out
}

func joinPlaces(a, b []*Place) []*Place {
	return union(a, b, byPlace)
}

// then is the text of v followed by that of next; both were printed.
func (v value) then(next value) value {
	return value{
		texts:  concat(v.texts, next.texts),
		inside: joinInside(v.inside, next.inside),
		beside: v.beside || next.beside || v.inside != nil && next.worded() || v.worded() && next.inside != nil,
		from:   joinPlaces(v.from, next.from),
	}
}

// worded says whether a printed value may hold more than blanks, apart from what is inside.
func (v value) worded() bool {
	for _, text := range v.texts {
		if !isBlank(text) {
			return true
		}
	}
	return false
}

// path is what v has under a path of keys with dots between them, the first argument.
func (v value) path(arguments []value) value {
	if len(arguments) == 0 {
		return value{}
	}
	var found value
	for _, path := range texted(arguments[0]) {
		below := v
		for _, key := range strings.Split(path, ".") {
			below = below.at([]string{key})
		}
		found = join(found, below)
	}
	return found
}
