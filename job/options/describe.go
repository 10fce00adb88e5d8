package options

import "reflect"

// Param describes one option for people: for `gx plugin info` and for the option tables of the documentation.
// It marshals to JSON and back.
type Param struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Default  string   `json:"default,omitempty"`
	Allowed  string   `json:"allowed,omitempty"` // 1 or more; a, b, c
	Enum     []string `json:"enum,omitempty"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"`
	Ignored  bool     `json:"ignored,omitempty"` // accepted for the sake of old jobs, without effect
	Aliases  []string `json:"aliases,omitempty"`
	Doc      string   `json:"doc,omitempty"`
	Children []Param  `json:"children,omitempty"` // of objects and lists of objects
}

// Describe lists the options of a struct, or of a pointer to one, in the order of its fields.
func Describe(v any) []Param { return describe(reflect.TypeOf(v)) }

func describe(t reflect.Type) []Param {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var params []Param
	for _, f := range fieldsOf(t) {
		name := f.key
		switch {
		case f.rule.prefix != "":
			name = f.rule.prefix + "*"
		case f.rule.rest:
			name = "*"
		}
		p := Param{Name: name, Default: f.def, Allowed: f.rule.allowed(), Enum: f.rule.enum, Required: f.rule.required,
			Secret: f.rule.secret, Ignored: f.rule.ignored, Aliases: f.aliases, Doc: f.doc}
		p.Type, p.Children = typeText(f.typ, f.rule)
		params = append(params, p)
	}
	return params
}

func typeText(t reflect.Type, r rule) (text string, children []Param) {
	switch {
	case t == typeValue:
		return "any", nil
	case t == typeSecret:
		return "secret", nil
	case t == typeDuration || r.unit > 0:
		return "duration (" + r.unitName + ")", nil
	case r.bytes:
		return "bytes", nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeText(t.Elem(), r)
	case reflect.Bool:
		return "boolean", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "integer", nil
	case reflect.Float32, reflect.Float64:
		return "number", nil
	case reflect.Slice:
		text, children = typeText(t.Elem(), r)
		return "list of " + text, children
	case reflect.Map:
		text, children = typeText(t.Elem(), r)
		return "map of " + text, children
	case reflect.Struct:
		return "object", describe(t)
	}
	return "string", nil
}
