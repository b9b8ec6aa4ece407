// Package shape reads of a chart's values.schema.json what a contract takes over: keys, types, enums, required keys.
package shape

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Shape is what a schema says of a value.
type Shape struct {
	// Types are the JSON types that it allows; none: any.
	Types []string
	// Enum are the values that it allows; none: any.
	Enum []any
	// Required are the keys that a map has to have.
	Required []string
	// Properties are the keys that it names.
	Properties map[string]*Shape
	// Closed: no other key is allowed.
	Closed bool
}

// maxDepth ends schemas that contain themselves.
const maxDepth = 24

// Parse reads a JSON Schema of any draft. References out of the document are taken to allow anything.
func Parse(document []byte) (*Shape, error) {
	var root any
	if err := json.Unmarshal(document, &root); err != nil {
		return nil, err
	}
	r := reader{root: root, following: map[string]bool{}}
	return r.read(root, 0), nil
}

type reader struct {
	root      any
	following map[string]bool
}

func (r *reader) read(schema any, depth int) *Shape {
	s := &Shape{Properties: map[string]*Shape{}}
	keywords, isObject := schema.(map[string]any)
	if !isObject || depth > maxDepth {
		return s
	}
	s.Types = texts(keywords["type"])
	s.Enum, _ = keywords["enum"].([]any)
	if only, has := keywords["const"]; has {
		s.Enum = []any{only}
	}
	s.Required = texts(keywords["required"])
	_, patterns := keywords["patternProperties"]
	s.Closed = keywords["additionalProperties"] == false && !patterns
	properties, _ := keywords["properties"].(map[string]any)
	for key, below := range properties {
		s.Properties[key] = r.read(below, depth+1)
	}
	if ref, has := keywords["$ref"].(string); has {
		s = both(s, r.follow(ref, depth))
	}
	for _, part := range list(keywords["allOf"]) {
		s = both(s, r.read(part, depth+1))
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if alternatives := list(keywords[keyword]); len(alternatives) > 0 {
			s = both(s, r.readAny(alternatives, depth))
		}
	}
	for _, keyword := range []string{"then", "else", "if", "not"} {
		if part, has := keywords[keyword]; has {
			s = both(s, onlyKeys(r.read(part, depth+1)))
		}
	}
	return s
}

// follow reads what a reference within the document points at.
func (r *reader) follow(ref string, depth int) *Shape {
	pointer, local := strings.CutPrefix(ref, "#")
	if !local || r.following[ref] {
		return &Shape{}
	}
	r.following[ref] = true
	defer delete(r.following, ref)
	at := r.root
	for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if step == "" {
			continue
		}
		if plain, err := url.PathUnescape(step); err == nil {
			step = plain
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		below, _ := at.(map[string]any)
		at = below[step]
	}
	return r.read(at, depth+1)
}

// readAny is what alternatives have in common, and the keys that any of them names.
func (r *reader) readAny(alternatives []any, depth int) *Shape {
	var all *Shape
	for _, alternative := range alternatives {
		next := r.read(alternative, depth+1)
		if all == nil {
			all = next
			continue
		}
		all = oneOf(all, next)
	}
	return all
}

func oneOf(a, b *Shape) *Shape {
	s := &Shape{Properties: map[string]*Shape{}, Closed: a.Closed && b.Closed}
	if len(a.Types) > 0 && len(b.Types) > 0 {
		s.Types = union(a.Types, b.Types)
	}
	if len(a.Enum) > 0 && len(b.Enum) > 0 {
		s.Enum = append(slices.Clone(a.Enum), b.Enum...)
	}
	for _, key := range a.Required {
		if slices.Contains(b.Required, key) {
			s.Required = append(s.Required, key)
		}
	}
	for key, below := range a.Properties {
		s.Properties[key] = &Shape{Properties: below.Properties}
	}
	for key, below := range b.Properties {
		s.Properties[key] = &Shape{Properties: below.Properties}
		if other := a.Properties[key]; other != nil {
			s.Properties[key] = oneOf(other, below)
		}
	}
	return s
}

// both is what two schemas say that hold at once.
func both(a, b *Shape) *Shape {
	s := &Shape{
		Types:      a.Types,
		Enum:       a.Enum,
		Required:   union(a.Required, b.Required),
		Properties: map[string]*Shape{},
		// A closed schema beside another one knows only its own keys; no chart means that.
		Closed: a.Closed || b.Closed,
	}
	if len(s.Types) == 0 {
		s.Types = b.Types
	}
	if len(s.Enum) == 0 {
		s.Enum = b.Enum
	}
	for key, below := range a.Properties {
		s.Properties[key] = below
	}
	for key, below := range b.Properties {
		s.Properties[key] = below
		if other := a.Properties[key]; other != nil {
			s.Properties[key] = both(other, below)
		}
	}
	return s
}

// onlyKeys are the keys that a schema names, whatever else it says of them.
func onlyKeys(s *Shape) *Shape {
	keys := &Shape{Properties: map[string]*Shape{}}
	for key, below := range s.Properties {
		keys.Properties[key] = onlyKeys(below)
	}
	return keys
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

func list(value any) []any {
	items, _ := value.([]any)
	return items
}

// texts is a text, or the texts of a list.
func texts(value any) []string {
	if text, isText := value.(string); isText {
		return []string{text}
	}
	var all []string
	for _, item := range list(value) {
		if text, isText := item.(string); isText {
			all = append(all, text)
		}
	}
	return all
}
