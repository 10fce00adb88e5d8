package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// graph checks that the hops lead every row from a reader to a writer.
type graph struct {
	*parser
	names    []string
	category []Category
	index    map[string]int
	broken   bool // a step without name or category: the rest cannot be judged
}

const hopsPath = "order.hops"

// node adds a step. It returns false for a step that gx does not run.
func (g *graph) node(name string, category Category, at string) bool {
	if name == "" || category == "" {
		g.broken = true
		return category != processorCategory
	}
	if first, again := g.index[name]; again {
		g.add(options.Problem{Code: options.CodeConflict, Path: options.Join(at, "name"),
			Seen: fmt.Sprintf("%q is also the name of steps[%d]", name, first), Try: "give each step a name of its own"})
		g.broken = true
	} else {
		g.index[name] = len(g.names)
	}
	g.names, g.category = append(g.names, name), append(g.category, category)
	if category == processorCategory {
		g.add(options.Problem{Code: options.CodeIgnored, Path: at, Seen: "processor steps are not run", Try: `category "transformer"`, Warning: true})
		return false
	}
	return true
}

func (g *graph) of(category Category) (names []string) {
	for i, c := range g.category {
		if c == category {
			names = append(names, g.names[i])
		}
	}
	return names
}

// connect checks the hops, or finds them when the document leaves them out, and leaves out processors.
func (g *graph) connect(hops []Hop) []Hop {
	if g.broken || len(g.names) == 0 {
		return hops
	}
	readers, writers := g.of(Reader), g.of(Writer)
	for _, side := range []struct {
		names []string
		what  Category
	}{{readers, Reader}, {writers, Writer}} {
		if len(side.names) == 0 {
			g.add(options.Problem{Code: options.CodeMissing, Path: "steps", Seen: "there is no " + string(side.what), Try: fmt.Sprintf(`a step with "category": %q`, side.what)})
		}
	}
	if len(readers) == 0 || len(writers) == 0 {
		return hops
	}
	if len(hops) == 0 {
		return g.chain(readers, writers)
	}
	g.check(hops)
	return g.bridge(hops)
}

// chain joins one reader and one writer, with the transformers between them in the order of the document.
func (g *graph) chain(readers, writers []string) (hops []Hop) {
	if len(readers) > 1 || len(writers) > 1 {
		g.add(options.Problem{Code: options.CodeMissing, Path: hopsPath, Seen: fmt.Sprintf("not given, and needed for more than one reader or writer (readers: %d, writers: %d)", len(readers), len(writers)),
			Try: fmt.Sprintf(`"order": {"hops": [{"from": %q, "to": %q}, …]}`, readers[0], writers[0])})
		return nil
	}
	from := readers[0]
	for _, name := range append(g.of(TransformerStep), writers[0]) {
		hops = append(hops, Hop{From: from, To: name})
		from = name
	}
	return hops
}

func (g *graph) check(hops []Hop) {
	next := map[string][]string{}
	back := map[string][]string{}
	whole := true
	for i, h := range hops {
		at := options.At(hopsPath, i)
		ok := g.end(h.From, options.Join(at, "from"), Writer, "a writer gives no rows")
		ok = g.end(h.To, options.Join(at, "to"), Reader, "a reader takes no rows") && ok
		switch {
		case !ok:
			whole = false
		case h.From == h.To:
			g.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: fmt.Sprintf("the step %q leads to itself", h.From)})
		case slices.Contains(next[h.From], h.To):
			g.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: fmt.Sprintf("the hop from %q to %q comes twice", h.From, h.To), Try: "keep one of them"})
		default:
			next[h.From], back[h.To] = append(next[h.From], h.To), append(back[h.To], h.From)
		}
	}
	if loop := cycle(g.names, next); loop != nil {
		g.add(options.Problem{Code: options.CodeConflict, Path: hopsPath, Seen: "the hops go in a circle: " + strings.Join(loop, " → ")})
		return
	}
	if !whole {
		return // the steps of a broken hop would look lost
	}
	fed, drained := reach(g.of(Reader), next), reach(g.of(Writer), back)
	for i, name := range g.names {
		at := options.At("steps", i)
		switch {
		case len(next[name]) == 0 && len(back[name]) == 0:
			g.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: fmt.Sprintf("the step %q is in no hop", name), Try: "add a hop, or remove the step"})
		case !fed[name]:
			g.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: fmt.Sprintf("no reader leads to the step %q", name), Try: "add a hop that leads to it"})
		case !drained[name]:
			g.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: fmt.Sprintf("the rows of the step %q reach no writer", name), Try: "add a hop that leads on"})
		}
	}
}

// end checks one end of a hop: the step must be there and must not be of the category.
func (g *graph) end(name, at string, never Category, why string) bool {
	if name == "" {
		return false // reported as missing
	}
	i, known := g.index[name]
	switch {
	case !known:
		p := options.Problem{Code: options.CodeNotAllowed, Path: at, Seen: fmt.Sprintf("no step is named %q", name), Want: strings.Join(g.names, ", ")}
		p.Try, _ = options.Nearest(name, g.names)
		g.add(p)
	case g.category[i] == never:
		g.add(options.Problem{Code: options.CodeConflict, Path: at, Seen: why, Try: "turn the hop round"})
	}
	return known && g.category[i] != never
}

// reach returns all steps that can be reached from the given ones, which are part of it.
func reach(from []string, next map[string][]string) map[string]bool {
	seen := map[string]bool{}
	for queue := slices.Clone(from); len(queue) > 0; queue = queue[1:] {
		if !seen[queue[0]] {
			seen[queue[0]] = true
			queue = append(queue, next[queue[0]]...)
		}
	}
	return seen
}

// cycle returns the steps of a circle, its first step again at the end, or nil.
func cycle(names []string, next map[string][]string) []string {
	done := map[string]bool{}
	var way []string
	var visit func(name string) []string
	visit = func(name string) []string {
		if i := slices.Index(way, name); i >= 0 {
			return append(slices.Clone(way[i:]), name)
		}
		if done[name] {
			return nil
		}
		done[name] = true
		way = append(way, name)
		for _, n := range next[name] {
			if loop := visit(n); loop != nil {
				return loop
			}
		}
		way = way[:len(way)-1]
		return nil
	}
	for _, name := range names {
		if loop := visit(name); loop != nil {
			return loop
		}
	}
	return nil
}

// bridge leaves out the steps that gx does not run and joins their neighbours.
func (g *graph) bridge(hops []Hop) []Hop {
	for _, skip := range g.of(processorCategory) {
		var out []Hop
		for _, h := range hops {
			switch {
			case h.From == skip:
			case h.To != skip:
				out = append(out, h)
			default:
				for _, on := range hops {
					if joined := (Hop{From: h.From, To: on.To}); on.From == skip && !slices.Contains(out, joined) && !slices.Contains(hops, joined) {
						out = append(out, joined)
					}
				}
			}
		}
		hops = out
	}
	return hops
}
