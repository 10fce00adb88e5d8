package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/change"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/sdk/dialect"
)

// The formats of values.
const (
	formatJSON       = "json"
	formatCSV        = "csv"
	formatText       = "text"
	formatRaw        = "raw"
	formatAvro       = "avro"
	formatProtobuf   = "protobuf"
	formatJSONSchema = "jsonschema"
)

var formats = append([]string{formatJSON, formatCSV, formatText, formatRaw, formatAvro, formatProtobuf, formatJSONSchema}, change.Formats...)

// otherFormats are formats that users may know from elsewhere.
var otherFormats = []string{"dts-avro"}

// debeziumElsewhere is what BladePipe calls debezium-json.
const debeziumElsewhere = "DEBEZIUM_ENVELOP_JSON_FOR_MQ"

// typesOfBytes are the types of keys and values that are no documents.
var typesOfBytes = []string{"string", "bytearray", "long", "integer", "short", "double", "float"}

// format is how keys and values become rows.
type format struct {
	kind  string    // of values: formatJSON …
	value converter // of values with documents in them
	key   converter // of keys that are documents; without a kind they are of keyType

	keyType, valueType string // of __key__ and __value__; no valueType: the document
	dialect            dialect.Dialect
	indexed            bool // columns of cells are their positions
	explode            *decode.Explode
	text, headerText   decode.Charset
	emptyDirty         bool
	raw                bool    // messageFormat is raw: keys, values and headers are bytes
	changes            changes // of values that are change data
}

// converter is how documents are encoded.
type converter struct {
	kind     string // formatJSON, formatAvro, formatProtobuf, formatJSONSchema
	option   string // valueConverter or keyConverter
	envelope bool   // they are {"schema", "payload"}
	guard    bool   // such documents are refused, because nobody said that they come
	registry registry.Config
	style    literal.Style
	validate bool
	reader   string // subject of the reader schema, empty: none
}

// framed tells that values begin with the id of a schema.
func (c *converter) framed() bool {
	return c.kind == formatAvro || c.kind == formatProtobuf || c.kind == formatJSONSchema
}

// cells tells that a value is one record with delimiters.
func (f *format) cells() bool { return f.kind == formatCSV || f.kind == formatText }

// decodesValue tells that __value__ is what the converter makes of it.
func (f *format) decodesValue() bool { return f.value.framed() && f.valueType == "" }

func (r *resolver) formats() {
	o, f := r.o, &r.s.format
	f.emptyDirty = o.EmptyValue == "dirty"
	f.kind, f.valueType, f.keyType = r.messageFormat(), o.ValueType, o.KeyType
	f.value.option, f.key.option = "valueConverter", "keyConverter"
	kind := r.valueKind(o.ValueConverter.Type)
	if f.changing() {
		r.changeConverter(&o.ValueConverter)
	} else {
		r.converter(&o.ValueConverter, &f.value, kind)
	}
	r.converter(&o.KeyConverter, &f.key, r.keyKind(o.KeyConverter.Type))
	f.raw = strings.EqualFold(o.MessageFormat, formatRaw)
	if f.valueType == "" && !f.value.framed() {
		f.valueType = "string"
	}
	for _, e := range []struct {
		key, name string
		to        *decode.Charset
	}{{"encoding", o.Encoding, &f.text}, {"headerEncoding", o.HeaderEncoding, &f.headerText}} {
		known := false
		if *e.to, known = decode.CharsetOf(e.name); !known {
			r.wrong(options.CodeNotAllowed, e.key, fmt.Sprintf("%q is not an encoding that gx reads", e.name), decode.Charsets, "UTF-8")
		}
	}
	if !f.text.Plain() && f.value.framed() {
		r.note(options.CodeIgnored, "encoding", "has no effect on values of "+f.kind+", whose texts are UTF-8")
	}
	r.delimiters()
	r.explode()
	r.changes()
}

// messageFormat reads the option of that name; empty: it is not given, or wrong.
func (r *resolver) messageFormat() string {
	m := r.o.MessageFormat
	if m == "" {
		return ""
	}
	if strings.EqualFold(m, debeziumElsewhere) {
		return change.DebeziumJSON
	}
	for _, known := range formats {
		if strings.EqualFold(known, m) {
			return known
		}
	}
	code, seen := options.CodeNotAllowed, fmt.Sprintf("%q is not a format", m)
	if slices.ContainsFunc(otherFormats, func(known string) bool { return strings.EqualFold(known, m) }) {
		code, seen = options.CodeNotSupported, fmt.Sprintf("%q is not a format that this version reads", m)
	}
	r.wrong(code, "messageFormat", seen, strings.Join(formats, ", "), `json, or raw with "column": ["__value__"]`)
	return ""
}

// valueKind brings messageFormat and valueConverter.type together and gives the kind of documents in values.
func (r *resolver) valueKind(typ string) string {
	f := &r.s.format
	kind := strings.ToLower(typ)
	switch {
	case kind == "bytes" || slices.Contains(typesOfBytes, kind):
		if r.o.ValueType != "" {
			r.add(options.Problem{Code: options.CodeIgnored, Seen: "has no effect: valueConverter.type is given too, and counts", Warning: true}, "valueType")
		}
		if f.valueType = kind; kind == "bytes" {
			f.valueType = "bytearray"
		}
		kind = formatRaw
	case kind == "", kind == formatJSON, kind == formatAvro, kind == formatProtobuf, kind == formatJSONSchema:
	default:
		r.add(options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is not a converter", typ), Want: converterKinds}, "valueConverter", "type")
		kind = ""
	}
	switch {
	case f.kind == "" && kind == "":
		f.kind = formatJSON
	case f.kind == "":
		f.kind = kind
	case f.changing() && (kind == formatAvro) == (f.kind == change.DebeziumAvro) && (kind == formatAvro || kind == formatJSON):
	case kind != "" && kind != f.kind:
		r.add(options.Problem{Code: options.CodeConflict, Seen: fmt.Sprintf("valueConverter.type is %s and messageFormat is %s", typ, f.kind),
			Try: "keep one of them"}, "valueConverter", "type")
	}
	if f.cells() || f.kind == formatRaw || f.changing() {
		return ""
	}
	return f.kind
}

const converterKinds = "json, avro, protobuf, jsonschema, string, bytes, bytearray, long, integer, short, double, float"

func (r *resolver) keyKind(typ string) string {
	f := &r.s.format
	switch kind := strings.ToLower(typ); {
	case kind == "":
		if on := r.o.KeyConverter.SchemasEnable; on != nil && *on {
			return formatJSON
		}
	case kind == formatJSON, kind == formatAvro, kind == formatProtobuf, kind == formatJSONSchema:
		return kind
	case kind == "bytes":
		f.keyType = "bytearray"
	case slices.Contains(typesOfBytes, kind):
		f.keyType = kind
	default:
		r.add(options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is not a converter", typ), Want: converterKinds}, "keyConverter", "type")
	}
	return ""
}

// converter settles what holds for keys and values alike, for documents of a kind; no kind: there are none.
func (r *resolver) converter(o *Converter, c *converter, kind string) {
	c.kind = kind
	c.envelope = o.SchemasEnable != nil && *o.SchemasEnable
	c.guard = !c.envelope
	c.validate = o.Validate
	idle := func(key, seen string) {
		r.add(options.Problem{Code: options.CodeIgnored, Seen: "has no effect: " + seen, Warning: true}, c.option, key)
	}
	if c.envelope && kind != formatJSON {
		r.add(options.Problem{Code: options.CodeConflict, Seen: "schemas in an envelope come with JSON only", Try: `"type": "json"`}, c.option, "schemasEnable")
	}
	if c.validate && kind != formatJSONSchema {
		idle("validate", "only values of jsonschema are compared with their schema")
	}
	if c.reader = o.ReaderSchema; c.reader != "" && kind != formatAvro {
		idle("readerSchema", "only avro has reader schemas")
	}
	if kind == formatAvro || kind == formatProtobuf {
		c.style.Hex = o.Binary == "hex"
		if o.TimeZone != "" {
			zone, err := parseZone(o.TimeZone)
			if err != nil {
				r.add(options.Problem{Code: options.CodeNotAllowed, Seen: err.Error(), Try: "Asia/Shanghai"}, c.option, "timeZone")
			}
			c.style.Zone = zone
		}
	} else {
		if o.Binary == "hex" {
			idle("binary", "only avro and protobuf have bytes")
		}
		if o.TimeZone != "" {
			idle("timeZone", "only avro and protobuf have instants")
		}
	}
	switch {
	case !c.framed() && len(o.Registry) > 0:
		idle("schemaRegistryUrl", "only avro, protobuf and jsonschema have schemas in a registry")
	case c.framed() && len(o.Registry) == 0:
		r.add(options.Problem{Code: options.CodeMissing, Seen: kind + " needs the address of a schema registry", Try: "http://registry:8081"}, c.option, "schemaRegistryUrl")
	case c.framed():
		r.registry(o, c)
	}
}

func (r *resolver) registry(o *Converter, c *converter) {
	g, a := &c.registry, &o.Auth
	g.Option = c.option
	for i, text := range o.Registry {
		plain, user, password, err := registry.ParseURL(text)
		if err != nil {
			r.add(options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("address %d %s", i+1, err), Try: "http://registry:8081"}, c.option, "schemaRegistryUrl")
			continue
		}
		g.URLs = append(g.URLs, plain)
		if user == "" {
			continue
		}
		if a.Username != "" || a.Token != nil || g.Username != "" && (g.Username != user || g.Password != password) {
			r.add(options.Problem{Code: options.CodeConflict, Seen: fmt.Sprintf("address %d has a user, and there is another login", i+1), Try: "keep one of them"},
				c.option, "schemaRegistryUrl")
		}
		g.Username, g.Password = user, password
	}
	wrong := func(key, seen, try string) {
		r.add(options.Problem{Code: options.CodeConflict, Seen: seen, Try: try}, c.option, "schemaRegistryAuth", key)
	}
	if a.Username != "" {
		g.Username = a.Username
		if a.Password != nil {
			g.Password = a.Password.Reveal()
		}
	} else if a.Password != nil {
		wrong("password", "there is a password and no username", "give username too")
	}
	if a.Token != nil {
		if g.Token = a.Token.Reveal(); a.Username != "" {
			wrong("token", "a token and a username are both given", "keep one of them")
		}
	}
	if (a.Certificate == "") != (a.Key == "") {
		wrong("certificate", "certificate and key go together, and one of them is missing", "give both, or neither")
	}
	g.CA, g.Certificate, g.Key = a.CA, a.Certificate, a.Key
}

func (r *resolver) delimiters() {
	o, f := r.o, &r.s.format
	given := map[string]*string{"fieldDelimiter": o.FieldDelimiter, "quote": o.Quote, "escape": o.Escape, "nullFormat": o.NullFormat}
	if !f.cells() {
		for key, v := range given {
			if v != nil && *v != "" {
				r.note(options.CodeIgnored, key, "has no effect with messageFormat "+f.kind)
			}
		}
		return
	}
	pick := func(v *string, otherwise string) string {
		if v == nil {
			return otherwise
		}
		return *v
	}
	quote, escape := pick(o.Quote, `"`), pick(o.Escape, "")
	if f.kind == formatText {
		if quote, escape = "", ""; o.Quote != nil && *o.Quote != "" {
			r.wrong(options.CodeConflict, "quote", "messageFormat text has no quotes", "", `"messageFormat": "csv"`)
		}
		if o.Escape != nil && *o.Escape != "" {
			r.wrong(options.CodeConflict, "escape", "messageFormat text has no quotes, and escapes stand within quotes", "", `"messageFormat": "csv"`)
		}
	}
	null := pick(o.NullFormat, `\N`)
	d, at, err := dialect.New(pick(o.FieldDelimiter, ","), quote, escape, &null)
	if err != nil {
		r.wrong(options.CodeNotAllowed, at, err.Error(), "", "")
	}
	f.dialect = d
}

func (r *resolver) explode() {
	f, text := &r.s.format, r.o.Explode
	if text == "" {
		return
	}
	e, err := decode.ParseExplode(text)
	switch {
	case err != nil:
		r.wrong(options.CodeNotAllowed, "explode", err.Error(), "$[*], or the path of an array: $.items[*]", "$.items[*]")
	case f.value.kind == "":
		r.wrong(options.CodeConflict, "explode", "values of "+f.kind+" hold no arrays", "", "leave it out")
	default:
		f.explode = &e
	}
}
