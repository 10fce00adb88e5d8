package convert

import (
	"slices"

	"github.com/gx-etl/gx/job/options"
)

// document writes the job in a shape.
func (c *common) document(to Shape) options.Value {
	setting := c.setting
	if !setting.Get("errorLimit").Given() {
		setting = setting.Without("errorLimit")
	}
	named := func(v options.Value) options.Value {
		if c.name.Given() {
			v = v.With("name", c.name)
		}
		return v
	}
	if to == ToDataX {
		content := options.Map()
		for _, s := range c.steps[:2] {
			p := options.Map(member("name", options.Text(dataxName(s.kind, s.category))), member("parameter", s.parameter))
			if s.plugin.Given() {
				p = p.With("plugin", s.plugin)
			}
			content = content.With(s.category, p)
		}
		if len(c.transformer.Items()) > 0 {
			content = content.With("transformer", c.transformer)
		}
		return options.Map(member("job", named(options.Map()).With("setting", setting).With("content", options.List(content)))).Unplaced()
	}
	if len(c.transformer.Items()) > 0 {
		setting = setting.With("transformer", c.transformer)
	}
	var steps, hops []options.Value
	for _, s := range c.steps {
		step := options.Map(member("stepType", options.Text(s.kind)), member("name", options.Text(s.name)),
			member("category", options.Text(s.category)), member("parameter", s.parameter))
		if s.plugin.Given() {
			step = step.With("plugin", s.plugin)
		}
		steps = append(steps, step)
	}
	from := c.steps[0]
	for _, s := range append(slices.Clone(c.steps[2:]), c.steps[1]) {
		hops = append(hops, options.Map(member("from", options.Text(from.name)), member("to", options.Text(s.name))))
		from = s
	}
	doc := named(options.Map(member("type", options.Text("job")), member("version", options.Text("2.0"))))
	return doc.With("steps", options.List(steps...)).With("setting", setting).
		With("order", options.Map(member("hops", options.List(hops...)))).Unplaced()
}
