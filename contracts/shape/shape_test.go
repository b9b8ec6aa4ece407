package shape

import (
	"slices"
	"testing"
)

func parse(t *testing.T, document string) *Shape {
	t.Helper()
	s, err := Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAReferenceIsFollowedWithinTheDocument(t *testing.T) {
	s := parse(t, `{"properties": {"a": {"$ref": "#/$defs/x~1y%20z"}}, "$defs": {"x/y z": {"type": "string"}}}`)
	if !slices.Equal(s.Properties["a"].Types, []string{"string"}) {
		t.Errorf("%+v", s.Properties["a"])
	}
}

func TestAReferenceOutOfTheDocumentAllowsAnything(t *testing.T) {
	s := parse(t, `{"properties": {"a": {"$ref": "https://example.com/s.json"}}}`)
	if a := s.Properties["a"]; len(a.Types) > 0 || a.Closed || len(a.Properties) > 0 {
		t.Errorf("%+v", a)
	}
}

func TestASchemaThatContainsItselfComesToAnEnd(t *testing.T) {
	s := parse(t, `{"$ref": "#/$defs/node", "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}}}}`)
	if s.Properties["n"] == nil || s.Properties["next"] == nil {
		t.Errorf("%+v", s.Properties)
	}
}

func TestAlternativesAllowWhatAnyOfThemAllows(t *testing.T) {
	s := parse(t, `{"anyOf": [
		{"type": "string", "required": ["x"]},
		{"type": "object", "properties": {"k": {"type": "integer"}}, "required": ["x", "k"], "additionalProperties": false}]}`)
	if !slices.Equal(s.Types, []string{"object", "string"}) || s.Closed || !slices.Equal(s.Required, []string{"x"}) {
		t.Errorf("%+v", s)
	}
	if k := s.Properties["k"]; k == nil || len(k.Types) > 0 {
		t.Errorf("k, which one of them names, is %+v", k)
	}
}

func TestAnAlternativeWithoutTypeAllowsAnyType(t *testing.T) {
	if s := parse(t, `{"oneOf": [{"type": "string"}, {"minimum": 3}]}`); len(s.Types) > 0 {
		t.Errorf("%q", s.Types)
	}
}

func TestAllOfHoldsAtOnce(t *testing.T) {
	s := parse(t, `{"type": "object", "allOf": [{"required": ["a"]}, {"properties": {"a": {"enum": [1]}}, "required": ["b"]}]}`)
	if !slices.Equal(s.Required, []string{"a", "b"}) || len(s.Properties["a"].Enum) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAConditionOnlyNamesKeys(t *testing.T) {
	s := parse(t, `{"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {"type": "string"}}, "required": ["b"]}}`)
	if s.Properties["a"] == nil || len(s.Properties["b"].Types) > 0 || len(s.Required) > 0 || len(s.Properties["a"].Enum) > 0 {
		t.Errorf("%+v", s)
	}
}

func TestPatternPropertiesLeaveASchemaOpen(t *testing.T) {
	if s := parse(t, `{"additionalProperties": false, "patternProperties": {"^x-": {}}}`); s.Closed {
		t.Error("closed")
	}
}

func TestBooleanSchemasAllowAnything(t *testing.T) {
	if s := parse(t, `{"properties": {"a": true}}`); s.Properties["a"] == nil || len(s.Properties["a"].Types) > 0 {
		t.Errorf("%+v", s.Properties)
	}
}

func TestWhatIsNoJSONIsAnError(t *testing.T) {
	if _, err := Parse([]byte("{")); err == nil {
		t.Error("no error")
	}
}
