package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// write is an object as JSON: a line for each key, sorted; what has nothing but simple values in it is on one line.
func write(o object) []byte {
	var b bytes.Buffer
	writeObject(&b, o, "")
	b.WriteByte('\n')
	return b.Bytes()
}

func writeObject(b *bytes.Buffer, o object, indent string) {
	separator, end := " ", ""
	inner := ""
	if !simple(o) {
		inner = indent + "  "
		separator, end = "\n"+inner, "\n"+indent
	}
	b.WriteByte('{')
	for i, key := range keys(o) {
		if i > 0 {
			b.WriteByte(',')
			b.WriteString(separator)
		} else {
			b.WriteString(strings.TrimPrefix(separator, " "))
		}
		writeJSON(b, key)
		b.WriteString(": ")
		if below, isObject := o[key].(object); isObject {
			writeObject(b, below, inner)
		} else {
			writeJSON(b, o[key])
		}
	}
	b.WriteString(end)
	b.WriteByte('}')
}

// writeJSON writes a value on one line.
func writeJSON(b *bytes.Buffer, value any) {
	switch list := value.(type) {
	case []string:
		writeList(b, list)
	case []any:
		writeList(b, list)
	default:
		encoder := json.NewEncoder(b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			panic(err) // only what JSON gave is in a contract
		}
		b.Truncate(b.Len() - 1) // the newline
	}
}

func writeList[T any](b *bytes.Buffer, list []T) {
	b.WriteByte('[')
	for i, item := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		writeJSON(b, item)
	}
	b.WriteByte(']')
}

// simple says whether an object holds no objects.
func simple(o object) bool {
	for _, value := range o {
		if _, isObject := value.(object); isObject {
			return false
		}
	}
	return true
}

func keys(o object) []string {
	all := make([]string, 0, len(o))
	for key := range o {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}
