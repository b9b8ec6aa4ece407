package reads

import "slices"

// The parts of a value are sorted lists without duplicates.

// byPlace is the order of places in a value.
func byPlace(a, b *Place) int { return a.id - b.id }

// union is what is in either of two sorted lists, sorted. It is one of them if that has all: nobody changes such a list.
func union[T any](a, b []T, compare func(x, y T) int) []T {
	switch {
	case len(a) == 0 || hasAll(b, a, compare):
		return b
	case len(b) == 0 || hasAll(a, b, compare):
		return a
	}
	all := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch order := compare(a[0], b[0]); {
		case order < 0:
			all, a = append(all, a[0]), a[1:]
		case order > 0:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0]), a[1:], b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// hasAll says whether a sorted list has all that another has.
func hasAll[T any](list, other []T, compare func(x, y T) int) bool {
	if len(other) > len(list) {
		return false
	}
	if len(other) == len(list) && (len(list) == 0 || &list[0] == &other[0]) {
		return true
	}
	for _, item := range list {
		if len(other) > 0 && compare(item, other[0]) == 0 {
			other = other[1:]
		}
	}
	return len(other) == 0
}

func distinctPlaces(places []*Place) []*Place {
	places = slices.Clone(places)
	slices.SortFunc(places, byPlace)
	return slices.Compact(places)
}
