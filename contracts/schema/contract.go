// Package schema writes what a chart reads as a JSON Schema: the contract of its values.
package schema

import (
	"fmt"
	"sort"

	"contracts/reads"
)

// Dead is the comment of a key that values.yaml has and no template reads.
const Dead = "no template reads it"

// object is a JSON object.
type object map[string]any

// Contract is the JSON Schema (draft 2020-12) of a chart's values, ending in a newline.
func Contract(name, version string, values *reads.Place) []byte {
	contract := describe(values, false, false)
	contract["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	contract["$comment"] = fmt.Sprintf("The value keys that chart %s %s and its subcharts read. "+
		"Written by contracts (make contracts): do not edit.", name, version)
	contract["title"] = name + " " + version
	return write(contract)
}

// describe is the schema of a value. inFree: any key is allowed around it; inDead: nothing around it is read.
func describe(place *reads.Place, inFree, inDead bool) object {
	described := object{}
	if allowed := types(place); allowed != nil {
		described["type"] = allowed
	}
	if allowed := enum(place); allowed != nil {
		described["enum"] = allowed
	}
	dead := !inDead && !inFree && !place.Chart && !place.Read()
	if dead {
		described["$comment"] = Dead
	}
	if !isMap(place) {
		return described
	}
	free := inFree || place.Free()
	properties := object{}
	for _, key := range place.Keys() {
		below := describe(place.Children[key], free, inDead || dead || onlyTested(place))
		if !free || named(place.Children[key]) && len(below) > 0 {
			properties[key] = below
		}
	}
	if len(properties) > 0 {
		described["properties"] = properties
	}
	if closed := place.Shape != nil && place.Shape.Closed; closed || !free && !emptyByDefault(place) {
		described["additionalProperties"] = false
	}
	if keys := required(place); len(keys) > 0 {
		described["required"] = keys
	}
	return described
}

// named says whether a key of a map that may have any key means more than the others.
func named(place *reads.Place) bool {
	if place.Shape != nil || place.Chart || place.Uses&(reads.Named|reads.Switch) != 0 {
		return true
	}
	for _, below := range place.Children {
		if named(below) {
			return true
		}
	}
	return false
}

// isMap says whether a map may stand there that the contract has something to say of.
func isMap(place *reads.Place) bool {
	if place.Chart || len(place.Keys()) > 0 {
		return true
	}
	for _, value := range place.Defaults {
		if _, is := value.(map[string]any); is {
			return true
		}
	}
	return place.Shape != nil && place.Shape.Closed
}

// emptyByDefault: a map without any key that is known, `{}` in values.yaml. It is free-form.
func emptyByDefault(place *reads.Place) bool {
	return !place.Chart && len(place.Keys()) == 0
}

// onlyTested says whether what is below a map matters only as there being something.
func onlyTested(place *reads.Place) bool {
	if place.Uses&reads.Tested == 0 {
		return false
	}
	for _, below := range place.Children {
		if below.Read() {
			return false
		}
	}
	return true
}

// required are the keys that the chart's schema demands and its default values don't have.
func required(place *reads.Place) []string {
	demanded := map[string]bool{}
	if place.Shape != nil {
		for _, key := range place.Shape.Required {
			if !hasDefault(place.At(key)) {
				demanded[key] = true
			}
		}
	}
	for _, key := range place.Keys() {
		// A map of values.yaml is always there: what it lacks has to be set. A subchart may be switched off.
		if below := place.Children[key]; !below.Chart && hasDefault(below) && len(required(below)) > 0 {
			demanded[key] = true
		}
	}
	var keys []string
	for key := range demanded {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func hasDefault(place *reads.Place) bool {
	for _, value := range place.Defaults {
		if value != nil {
			return true
		}
	}
	return false
}
