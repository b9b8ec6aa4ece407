package reads

import (
	"slices"
	"strconv"
	"strings"
)

// Limits that keep an analysis finite. What exceeds one is taken as unknown.
const (
	maxTexts   = 64
	maxLists   = 16
	maxItems   = 64
	maxTextLen = 1 << 16
	maxJoined  = 1 << 10
	maxUnknown = 4
	maxPlaces  = 64
)

// value is what an expression may stand for, as far as it can be told without values: the union of its parts.
// The zero value stands for nothing at all (a key that no dict has, nil).
type value struct {
	places []*Place // places of a chart's values, by id
	dicts  []*dict  // maps that templates make, by id
	lists  []*list  // lists that templates make
	texts  []string // texts, numbers, booleans: see text.go
	inside *value   // text that holds all of this (toYaml)
	beside bool     // there is other text beside it
	from   []*Place // text that is taken from these
	lost   bool     // it may be more than is told apart
}

// dict is a map that a template makes, or a chart's context. It has an identity: templates change dicts.
type dict struct {
	id     int
	fields map[string]value
	others value // under keys that are not known
	absent value // under all other keys
	merged value // maps that were merged into it
	grown  bool  // some of it was set later, if at all
	files  *files
	chart  *instance // of a chart's context: the chart
	tree   *tree
}

// list is a list that a template makes: items if their number and order are known, else any of others.
type list struct {
	items  []value
	others *value
}

func (v value) empty() bool {
	return len(v.places)+len(v.dicts)+len(v.lists)+len(v.texts) == 0 && v.inside == nil
}

// key is a text that equal values have in common, and no others.
func (v value) key() string {
	var b strings.Builder
	v.writeKey(&b)
	return b.String()
}

func (v value) writeKey(b *strings.Builder) {
	for _, place := range v.places {
		b.WriteString("p" + strconv.Itoa(place.id))
	}
	for _, dict := range v.dicts {
		b.WriteString("d" + strconv.Itoa(dict.id))
	}
	for _, list := range v.lists {
		list.writeKey(b)
	}
	for _, text := range v.texts {
		b.WriteString(strconv.Quote(text))
	}
	if v.inside != nil {
		b.WriteString("{" + strconv.FormatBool(v.beside))
		v.inside.writeKey(b)
		b.WriteString("}")
	}
	for _, place := range v.from {
		b.WriteString("f" + strconv.Itoa(place.id))
	}
	if v.lost {
		b.WriteString("!")
	}
}

// equals says whether two values have the same key.
func (v value) equals(other value) bool {
	return slices.Equal(v.places, other.places) && slices.Equal(v.dicts, other.dicts) &&
		slices.EqualFunc(v.lists, other.lists, func(a, b *list) bool { return a == b || a.key() == b.key() }) &&
		slices.Equal(v.texts, other.texts) && slices.Equal(v.from, other.from) && v.lost == other.lost && v.sameInside(other)
}

func (v value) sameInside(other value) bool {
	if v.inside == nil || other.inside == nil {
		return v.inside == other.inside
	}
	return v.beside == other.beside && (v.inside == other.inside || v.inside.equals(*other.inside))
}

func (l *list) writeKey(b *strings.Builder) {
	b.WriteString("[")
	for _, item := range l.items {
		item.writeKey(b)
		b.WriteString(",")
	}
	if l.others != nil {
		b.WriteString("*")
		l.others.writeKey(b)
	}
	b.WriteString("]")
}

func (l *list) key() string {
	var b strings.Builder
	l.writeKey(&b)
	return b.String()
}

// any is what each item of the list may be.
func (l *list) any() value {
	all := join(l.items...)
	if l.others != nil {
		all = join(all, *l.others)
	}
	return all
}

// join is a value that may be any of those.
func join(values ...value) value {
	var all value
	for _, v := range values {
		all.places = union(all.places, v.places, byPlace)
		all.dicts = union(all.dicts, v.dicts, func(a, b *dict) int { return a.id - b.id })
		all.lists = append(all.lists, v.lists...)
		all.texts = union(all.texts, v.texts, strings.Compare)
		all.from = union(all.from, v.from, byPlace)
		all.beside = all.beside || v.beside
		all.lost = all.lost || v.lost
		all.inside = joinInside(all.inside, v.inside)
	}
	all.lists = distinctLists(all.lists)
	if all.lost || len(all.places) > maxPlaces || len(all.lists) > maxLists || len(all.texts) > maxTexts {
		return all.givenUp()
	}
	return all
}

// givenUp is the value without what may be too much to tell apart: its places are taken as handed on. That lasts, lest
// what is joined to it again and again never settles.
func (v value) givenUp() value {
	var kept []*Place
	for _, place := range v.places {
		if place.Chart {
			kept = append(kept, place)
		} else {
			place.mark(Whole)
		}
	}
	v.places, v.lost = kept, true
	v.texts = []string{unknownText}
	if len(v.lists) > 0 {
		v.lists = []*list{collapse(v.lists)}
	}
	return v
}

func joinInside(a, b *value) *value {
	if a == nil || b == nil {
		if a == nil {
			a = b
		}
		return a
	}
	joined := join(*a, *b)
	return &joined
}

func distinctLists(all []*list) []*list {
	if len(all) < 2 {
		return all
	}
	byKey := map[string]*list{}
	for _, l := range all {
		byKey[l.key()] = l
	}
	distinct := make([]*list, 0, len(byKey))
	for _, key := range sortedKeys(byKey) {
		distinct = append(distinct, byKey[key])
	}
	return distinct
}

// collapse is a list that may be any of those, or longer.
func collapse(lists []*list) *list {
	var all value
	for _, l := range lists {
		all = join(all, l.any())
	}
	return &list{others: &all}
}

// sunk is the value where templates have gone down by recursion: what is below its places is not told apart.
func (v value) sunk() value {
	var places []*Place
	for _, place := range v.places {
		if place.Chart {
			places = append(places, place)
		} else {
			places = append(places, place.deep())
		}
	}
	v.places = places
	v = v.widened()
	return join(v)
}

// widened is the value without what may grow without end in a loop.
func (v value) widened() value {
	if len(v.lists) > 0 {
		v.lists = []*list{collapse(v.lists)}
	}
	if len(v.texts) > 0 {
		v.texts = []string{unknownText}
	}
	return v
}

func listOf(items ...value) value {
	if len(items) > maxItems {
		return value{lists: []*list{collapse([]*list{{items: items}})}}
	}
	return value{lists: []*list{{items: items}}}
}

// listOfAny is a list of unknown length whose items are any of v.
func listOfAny(v value) value {
	return value{lists: []*list{{others: &v}}}
}

func placed(p *Place) value {
	return value{places: []*Place{p}}
}

func (d *dict) set(key string, v value) {
	if joined := join(d.fields[key], v); !joined.equals(d.fields[key]) {
		d.fields[key] = joined
		d.tree.changed = true
	}
}

func (d *dict) setOther(v value) {
	if joined := join(d.others, v); !joined.equals(d.others) {
		d.others = joined
		d.tree.changed = true
	}
}

func (d *dict) mergeIn(v value) {
	v.dicts = slices.DeleteFunc(slices.Clone(v.dicts), func(other *dict) bool { return other == d })
	if joined := join(d.merged, v); !joined.equals(d.merged) {
		d.merged = joined
		d.tree.changed = true
	}
}
