package convert

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// common is a job of either shape. Parameters stay as they are: both tools and gx name the same keys, except for the place
// of a StarRocks table, which DataX takes in three forms and DataWorks in one.
type common struct {
	name        options.Value
	steps       []commonStep // one reader and one writer first
	setting     options.Value
	transformer options.Value
	lines       []Line
}

type commonStep struct {
	name              string // in script mode
	category          string
	kind              string // kafka, without reader or writer
	parameter, plugin options.Value
}

// stepNames are the names of the reader and the writer.
var stepNames = [2]string{"Reader", "Writer"}

// plugins are those whose names DataX makes of a kind and the side.
var plugins = []string{"starrocks", "kafka", "stream", "mysql", "file"}

func kindOf(name, category string) string {
	for _, k := range plugins {
		if strings.EqualFold(name, k+category) {
			return k
		}
	}
	return name
}

func dataxName(kind, category string) string {
	for _, k := range plugins {
		if strings.EqualFold(kind, k) {
			return k + category
		}
	}
	return kind
}

// shapes converts between DataX and DataWorks. The text is read without its variables, which therefore must stand in quotes.
func shapes(in Input, from Tool, o Options) (*Result, []options.Problem) {
	root, problems := options.Parse(in.Text)
	if options.Failed(problems) {
		return nil, problems
	}
	c, more := reshape(root, from, o.To)
	problems = append(problems, more...)
	if options.Failed(problems) {
		return nil, problems
	}
	for i := range c.lines {
		if c.lines[i].Line == 0 && c.lines[i].Key != "" {
			c.lines[i].Line, _ = root.Locate(c.lines[i].Key)
		}
		if c.lines[i].Line > 0 {
			c.lines[i].File, c.lines[i].order = in.Name, c.lines[i].Line
		}
	}
	return &Result{From: from, Job: c.document(o.To), Lines: sorted(c.lines)}, problems
}

func reshape(root options.Value, from Tool, to Shape) (*common, []options.Problem) {
	if from == DataX {
		return readDataX(root, to)
	}
	return readDataWorks(root, to)
}

func (c *common) say(key string, v options.Value, status Status, to, note, try string) {
	text := ""
	switch v.Kind() {
	case options.Missing:
	case options.Array, options.Object:
		text = v.String()
	default:
		text = v.Text()
	}
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:77], "") + "…"
	}
	if v.IsSecret() {
		text = hidden
	}
	c.lines = append(c.lines, Line{Key: key, Value: text, Status: status, To: to, Note: note, Try: try})
}

// each says a line for every key below v, which moved as a whole.
func (c *common) each(at, to string, v options.Value) {
	if v.Kind() != options.Object {
		if v.Given() {
			c.say(at, v, Mapped, to, "", "")
		}
		return
	}
	for _, m := range v.Members() {
		c.each(options.Join(at, m.Key), options.Join(to, m.Key), m.Value)
	}
}

func readDataX(root options.Value, to Shape) (*common, []options.Problem) {
	job := root.Get("job")
	content := job.Get("content")
	if content.Kind() == options.Array && len(content.Items()) > 0 {
		first := content.Items()[0]
		c := &common{}
		for i := range content.Items()[1:] {
			c.say(options.At("job.content", i+1), options.Value{}, Needless, "", "DataX runs the first element only", "a document for it, if it should run")
		}
		return c.datax(root, job, first, "job.content[0]", to)
	}
	return (&common{}).datax(root, job, content, "job.content", to)
}

func (c *common) datax(root, job, content options.Value, at string, to Shape) (*common, []options.Problem) {
	for i, side := range []string{"reader", "writer"} {
		p := content.Get(side)
		if p.Get("name").Text() == "" {
			return nil, []options.Problem{{Code: options.CodeMissing, Path: options.Join(at, side), Seen: "no " + side + " with a name", Try: `{"name": "kafkareader", "parameter": {}}`}}
		}
		s := commonStep{name: stepNames[i], category: side, kind: kindOf(p.Get("name").Text(), side), parameter: p.Get("parameter"), plugin: p.Get("plugin")}
		if s.parameter.Kind() != options.Object {
			s.parameter = options.Map()
		}
		c.steps = append(c.steps, s)
		path, target := options.Join(at, side), c.stepPath(i, to)
		c.say(options.Join(path, "name"), p.Get("name"), Mapped, options.Join(target, c.typeKey(to)), "", "")
		if side == "writer" && s.kind == "starrocks" {
			c.flatten(options.Join(path, "parameter"), options.Join(target, "parameter"), i)
		} else {
			c.each(options.Join(path, "parameter"), options.Join(target, "parameter"), s.parameter)
		}
		for _, m := range p.Members() {
			if m.Key != "name" && m.Key != "parameter" && m.Key != "plugin" {
				c.say(options.Join(path, m.Key), m.Value, Unknown, "", "no such key", "")
			}
		}
	}
	c.transformer = content.Get("transformer")
	if len(c.transformer.Items()) > 0 {
		c.say(options.Join(at, "transformer"), c.transformer, Mapped, transformerPath(to), "", "")
	}
	c.name = job.Get("name")
	c.each("job.name", map[Shape]string{GX: "name", ToDataWorks: "name", ToDataX: "job.name"}[to], c.name)
	c.settings(job.Get("setting"), "job.setting", DataX, to, root.Get("core"))
	for _, m := range job.Members() {
		switch m.Key {
		case "content", "setting", "name":
		default:
			c.say(options.Join("job", m.Key), m.Value, Needless, "", "gx runs no hooks of plugins", "")
		}
	}
	for _, m := range root.Members() {
		switch m.Key {
		case "job":
		case "core":
			c.core(m.Value)
		default:
			c.say(m.Key, m.Value, Needless, "", "gx has no Java machine, and values keep the text they arrived in", "")
		}
	}
	return c, nil
}

func (c *common) core(core options.Value) {
	var walk func(at string, v options.Value)
	walk = func(at string, v options.Value) {
		if v.Kind() != options.Object {
			if strings.HasPrefix(at, "core.transport.channel.speed.") {
				c.say(at, v, Mapped, "setting.speed", "with the limit of the job it makes the number of lanes", "")
			} else {
				c.say(at, v, Needless, "", "of DataX's engine", "")
			}
			return
		}
		for _, m := range v.Members() {
			walk(options.Join(at, m.Key), m.Value)
		}
	}
	walk("core", core)
}

// flatten brings the three forms in which DataX names a table into the one of DataWorks, which DataX knows, too.
func (c *common) flatten(from, to string, step int) {
	p := c.steps[step].parameter
	first := p.Get("connection").Items()
	out := options.Map()
	for _, m := range p.Members() {
		at := options.Join(from, m.Key)
		switch {
		case m.Key == "connection":
			for i, x := range m.Value.Items() {
				if i > 0 {
					c.say(options.At(at, i), options.Value{}, Needless, "", "DataX writes to the first only", "a job of its own")
					continue
				}
				for _, k := range x.Members() {
					key, v := k.Key, k.Value
					if key == "table" && len(v.Items()) > 0 {
						v = v.Items()[0]
					}
					out = out.With(key, v.Unplaced())
					c.say(options.Join(options.At(at, 0), k.Key), k.Value, Mapped, options.Join(to, key), "", "")
				}
			}
		case m.Key == "database" && p.Get("selectedDatabase").Given(), (m.Key == "table" || m.Key == "jdbcUrl" || m.Key == "selectedDatabase" || m.Key == "database") && len(first) > 0 && beaten(m.Key, first[0]):
			c.say(at, m.Value, Needless, "", "beaten by another form of the same", "")
		case m.Key == "database":
			out = out.With("selectedDatabase", m.Value)
			c.say(at, m.Value, Mapped, options.Join(to, "selectedDatabase"), "", "")
		default:
			out = out.With(m.Key, m.Value)
			c.each(at, options.Join(to, m.Key), m.Value)
		}
	}
	c.steps[step].parameter = out
}

func beaten(key string, connection options.Value) bool {
	if key == "database" {
		key = "selectedDatabase"
	}
	return connection.Get(key).Given()
}

func readDataWorks(root options.Value, to Shape) (*common, []options.Problem) {
	c := &common{}
	count := map[string]int{}
	var ordered [2]*commonStep
	for i, s := range root.Get("steps").Items() {
		at := options.At("steps", i)
		category := s.Get("category").Text()
		count[category]++
		side := map[string]int{"reader": 0, "writer": 1}
		n, known := side[category]
		switch {
		case category == "transformer" && to != ToDataX:
			c.steps = append(c.steps, commonStep{name: s.Get("name").Text(), category: category, kind: s.Get("stepType").Text(), parameter: s.Get("parameter")})
			c.say(at, options.Value{}, Mapped, at, "", "")
		case category == "transformer":
			c.say(at, options.Value{}, Unsupported, "", "a step of its own in DataX", "setting.transformer")
		case !known:
			c.say(at, options.Value{}, Needless, "", "a step that DataWorks says can be left out", "")
		case count[category] > 1:
			c.say(at, options.Value{}, Unsupported, "", "one reader and one writer make a job", "a job of its own")
		default:
			ordered[n] = &commonStep{name: stepNames[n], category: category, kind: kindOf(s.Get("stepType").Text(), category), parameter: s.Get("parameter"), plugin: s.Get("plugin")}
			if ordered[n].parameter.Kind() != options.Object {
				ordered[n].parameter = options.Map()
			}
			target := c.stepPath(n, to)
			c.say(options.Join(at, "stepType"), s.Get("stepType"), Mapped, options.Join(target, c.typeKey(to)), "", "")
			c.each(options.Join(at, "parameter"), options.Join(target, "parameter"), ordered[n].parameter)
			if to == ToDataX {
				c.unknownToDataX(options.Join(at, "parameter"))
			}
		}
	}
	for i, side := range []string{"reader", "writer"} {
		if ordered[i] == nil {
			return nil, []options.Problem{{Code: options.CodeMissing, Path: "steps", Seen: "there is no " + side, Try: fmt.Sprintf(`a step with "category": %q`, side)}}
		}
	}
	c.steps = append([]commonStep{*ordered[0], *ordered[1]}, c.steps...)
	c.name = root.Get("name")
	c.each("name", map[Shape]string{GX: "name", ToDataWorks: "name", ToDataX: "job.name"}[to], c.name)
	setting := root.Get("setting")
	c.transformer = setting.Get("transformer")
	if len(c.transformer.Items()) > 0 {
		c.say("setting.transformer", c.transformer, Mapped, transformerPath(to), "", "")
	}
	c.settings(setting.Without("transformer"), "setting", DataWorks, to, options.Value{})
	for _, m := range root.Members() {
		switch m.Key {
		case "steps", "setting", "name", "type", "version":
		case "order":
			c.say("order", m.Value, Mapped, map[bool]string{true: "", false: "order"}[to == ToDataX], "from the reader to the writer", "")
		default:
			c.say(m.Key, m.Value, Needless, "", "of the DataWorks editor", "")
		}
	}
	return c, nil
}

// unknownToDataX changes the lines of keys that DataX would not read.
func (c *common) unknownToDataX(at string) {
	for i := range c.lines {
		switch l := &c.lines[i]; l.Key {
		case options.Join(at, "datasource"):
			l.Status, l.Note, l.Try = Differs, "DataX has no data sources; gx reads the key in either shape", "the addresses themselves"
		case options.Join(at, "strategyOnError"):
			l.Status, l.Note = Differs, "DataX ends the job at the first load that is refused; gx reads the key in either shape"
		}
	}
}

func transformerPath(to Shape) string {
	if to == ToDataX {
		return "job.content[0].transformer"
	}
	return "setting.transformer"
}

func (c *common) stepPath(i int, to Shape) string {
	if to == ToDataX {
		return "job.content[0]." + []string{"reader", "writer"}[i]
	}
	return options.At("steps", i)
}

func (c *common) typeKey(to Shape) string {
	if to == ToDataX {
		return "name"
	}
	return "stepType"
}
