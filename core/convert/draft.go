package convert

import (
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// draft is a job being made.
type draft struct {
	name, readerType, writerType string
	reader, writer, setting      options.Value
	lines                        []Line
	config                       *config
}

func newDraft(o Options) *draft {
	return &draft{name: o.Name, readerType: "kafka", writerType: "starrocks", reader: options.Map(), writer: options.Map(), setting: options.Map()}
}

// Where the parts of a draft stand in the document.
const (
	readerPath = "steps[0].parameter"
	writerPath = "steps[1].parameter"
)

// set puts a value at a place: reader/…, writer/… or setting/…, keys parted by slashes since some of them hold points. It
// returns the path in the document.
func (d *draft) set(to string, v options.Value) string {
	side, rest, _ := strings.Cut(to, "/")
	part, path := &d.setting, "setting"
	switch side {
	case "reader":
		part, path = &d.reader, readerPath
	case "writer":
		part, path = &d.writer, writerPath
	}
	keys := strings.Split(rest, "/")
	*part = within(*part, keys, v)
	for _, k := range keys {
		path = options.Join(path, k)
	}
	return path
}

func within(object options.Value, keys []string, v options.Value) options.Value {
	if len(keys) == 1 {
		return object.With(keys[0], v)
	}
	below := object.Get(keys[0])
	if below.Kind() != options.Object {
		below = options.Map()
	}
	return object.With(keys[0], within(below, keys[1:], v))
}

// put is set for a line, which then says where its value went. Secrets that a provider of the tool would have looked up
// become variables of the environment.
func (d *draft) put(l *Line, to string, v options.Value) {
	v = v.MapScalars("", func(_, _ string, s options.Value) options.Value {
		name, from, ok := provided(s.Text())
		if s.Kind() != options.String || !ok {
			return s
		}
		l.Status, l.Note = Give, "looked up there by the provider "+from+"; put it into the environment as "+name
		if from == "env" {
			l.Status, l.Note = Mapped, ""
		}
		return options.Text("${env:" + name + "}")
	})
	path := d.set(to, v)
	if l.To == "" {
		l.To = path
	}
}

// provided reads ${provider:path:key}, the way of Kafka Connect to keep a secret out of a file.
func provided(text string) (name, provider string, ok bool) {
	inner, ok := strings.CutPrefix(text, "${")
	if !ok || !strings.HasSuffix(inner, "}") {
		return "", "", false
	}
	provider, rest, ok := strings.Cut(strings.TrimSuffix(inner, "}"), ":")
	if !ok || rest == "" {
		return "", "", false
	}
	if provider == "env" {
		return rest[strings.LastIndexByte(rest, ':')+1:], provider, true
	}
	key := rest[strings.LastIndexByte(rest, ':')+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, key)
	return name, provider, true
}

// give puts a variable where the document holds nothing.
func (d *draft) give(to, variable, note string) {
	path := d.set(to, options.Text("${"+variable+"}"))
	d.lines = append(d.lines, Line{Status: Give, To: path, Note: note, Try: "gx run -D " + variable + "=…"})
}

// document is the draft as a job in script mode.
func (d *draft) document() options.Value {
	text := options.Text
	step := func(stepType, name, category string, parameter options.Value) options.Value {
		return options.Map(member("stepType", text(stepType)), member("name", text(name)), member("category", text(category)), member("parameter", parameter))
	}
	doc := options.Map(member("type", text("job")), member("version", text("2.0")))
	if d.name != "" {
		doc = doc.With("name", text(d.name))
	}
	return doc.
		With("steps", options.List(step(d.readerType, "Reader", "reader", d.reader), step(d.writerType, "Writer", "writer", d.writer))).
		With("setting", d.setting).
		With("order", options.Map(member("hops", options.List(options.Map(member("from", text("Reader")), member("to", text("Writer")))))))
}

func member(key string, v options.Value) options.Member { return options.Member{Key: key, Value: v} }

func (d *draft) finished() []Line { return sorted(d.lines) }
