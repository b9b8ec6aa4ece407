package schema

import (
	"math"
	"slices"

	"contracts/reads"
)

// order is the order in which types are written.
var order = []string{"object", "array", "integer", "string", "number", "boolean", "null"}

// types are the JSON types that a value may have, in order; none: any. null is always allowed: helm takes it as
// "remove the default". Scalars are taken leniently, as YAML makes texts, numbers and booleans of each other.
func types(place *reads.Place) []string {
	allowed := map[string]bool{"null": true}
	switch {
	case place.Shape != nil && len(place.Shape.Types) > 0:
		add(allowed, place.Shape.Types...)
	case place.Chart:
		add(allowed, "object")
	case place.Uses&reads.Switch != 0:
		// Helm ignores a condition that is not a boolean.
		add(allowed, "boolean")
	case place.Uses&reads.TakesAny != 0:
		return nil
	default:
		if !addUsed(allowed, place) {
			return nil
		}
	}
	if allowed["number"] {
		delete(allowed, "integer")
	}
	var sorted []string
	for _, name := range order {
		if allowed[name] {
			sorted = append(sorted, name)
		}
	}
	return sorted
}

// addUsed adds the types of the default values, and those that templates take beside them; false: any.
func addUsed(allowed map[string]bool, place *reads.Place) bool {
	known := false
	for _, value := range place.Defaults {
		names := typesOf(value, place)
		if names == nil && value != nil {
			return false
		}
		known = known || value != nil
		add(allowed, names...)
	}
	if !known {
		if len(place.Keys()) == 0 || place.Uses&(reads.Printed|reads.Whole|reads.Within|reads.Ranged) != 0 {
			return false
		}
	}
	if len(place.Keys()) > 0 {
		add(allowed, "object")
	}
	tests := map[reads.Use][]string{
		reads.TakesString: {"string"},
		reads.TakesMap:    {"object"},
		reads.TakesList:   {"array"},
		reads.TakesNumber: {"number", "string"},
		reads.TakesBool:   {"boolean"},
	}
	for use, names := range tests {
		if place.Uses&use != 0 {
			add(allowed, names...)
		}
	}
	return true
}

// typesOf are the types that may stand in for a default value; none: any, or the value is null.
func typesOf(value any, place *reads.Place) []string {
	// toYaml, tpl and the like take whatever they are given.
	handedOn := place.Uses&(reads.Whole|reads.Ranged) != 0
	if _, isMap := value.(map[string]any); !isMap && len(place.Keys()) > 0 && !typed(place) {
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 && handedOn && place.Uses&reads.Mapped == 0 && len(place.Keys()) == 0 {
			// `volumes: {}` says only that there are none.
			return []string{"object", "array"}
		}
		return []string{"object"}
	case []any:
		if place.EachWhole() {
			// A map of manifests does as well as a list of them.
			return []string{"object", "array"}
		}
		return []string{"array"}
	case string:
		if value != "" && !typed(place) || !handedOn {
			return []string{"string", "number", "boolean"}
		}
	case float64:
		if value == math.Trunc(value) {
			return []string{"integer", "string"}
		}
		return []string{"number", "string"}
	case bool:
		if !value && handedOn {
			return nil
		}
		if place.Uses&(reads.Printed|reads.Whole|reads.Within) != 0 {
			return []string{"boolean", "string"}
		}
		return []string{"boolean"}
	}
	return nil
}

// typed says whether templates tell types apart there.
func typed(place *reads.Place) bool {
	tests := reads.TakesString | reads.TakesMap | reads.TakesList | reads.TakesNumber | reads.TakesBool
	return place.Uses&tests != 0
}

// enum are the values that the chart's schema allows, and null; none: any.
func enum(place *reads.Place) []any {
	if place.Shape == nil || len(place.Shape.Enum) == 0 {
		return nil
	}
	if slices.Contains(place.Shape.Enum, nil) {
		return place.Shape.Enum
	}
	return append(slices.Clone(place.Shape.Enum), nil)
}

func add(allowed map[string]bool, names ...string) {
	for _, name := range names {
		allowed[name] = true
	}
}
