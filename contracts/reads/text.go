package reads

import (
	"slices"
	"strings"
)

// A text is known, or known in parts: unknownText stands for any text, alone or within another.
const unknownText = "\x00"

var unknown = value{texts: []string{unknownText}}

func textOf(texts ...string) value {
	return value{texts: distinctTexts(texts)}
}

func isKnown(text string) bool {
	return !strings.Contains(text, unknownText)
}

func isBlank(text string) bool {
	return strings.TrimSpace(text) == ""
}

func distinctTexts(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	texts = slices.Clone(texts)
	for i, text := range texts {
		if len(text) > maxTextLen {
			texts[i] = unknownText
		}
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	return texts
}

// texted is the value as text: what it may read. A value that is not text reads unknown.
func texted(v value) []string {
	texts := v.texts
	if len(v.places)+len(v.dicts)+len(v.lists) > 0 || v.inside != nil {
		texts = append(slices.Clone(texts), unknownText)
	}
	return distinctTexts(texts)
}

// concat is each text of a followed by each text of b.
func concat(a, b []string) []string {
	if len(a) == 1 && a[0] == "" {
		return b
	}
	if len(b) == 1 && b[0] == "" {
		return a
	}
	if len(a)*len(b) > maxTexts || len(a) > maxTexts || len(b) > maxTexts {
		return []string{unknownText}
	}
	var texts []string
	for _, first := range a {
		for _, second := range b {
			if text := squeeze(first + second); len(text) <= maxJoined {
				texts = append(texts, text)
			} else {
				texts = append(texts, unknownText)
			}
		}
	}
	return distinctTexts(texts)
}

// squeeze makes several unknown texts in a row one, and gives up on a text with many unknown parts.
func squeeze(text string) string {
	if strings.Count(text, unknownText) > maxUnknown {
		return unknownText
	}
	for strings.Contains(text, unknownText+unknownText) {
		text = strings.ReplaceAll(text, unknownText+unknownText, unknownText)
	}
	return text
}

// mapTexts applies a function to each text, whose unknown parts it has to leave alone.
func mapTexts(texts []string, apply func(string) string) []string {
	mapped := make([]string, len(texts))
	for i, text := range texts {
		mapped[i] = text
		if text != unknownText {
			mapped[i] = apply(text)
		}
	}
	return distinctTexts(mapped)
}

// fits says whether a text may be the name, whatever stands for its unknown parts.
func fits(text, name string) bool {
	parts := strings.Split(text, unknownText)
	if len(parts) == 1 {
		return text == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(name, first) || !strings.HasSuffix(name[len(first):], last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name = name[at+len(part):]
	}
	return true
}
