package main

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/core/convert"
)

// convertSections are the tables of what becomes of another tool's keys, one for each part of its documents.
func convertSections() map[string]string {
	out := make(map[string]string)
	for _, t := range convert.Tables() {
		out["convert "+t.Name] = convertTable(t)
	}
	return out
}

func convertTable(t convert.Table) string {
	var b strings.Builder
	b.WriteString("| Key | Becomes | When it is not given | Remarks |\n|---|---|---|---|\n")
	for _, e := range t.Rows {
		key := "*always*"
		if e.Key != "" {
			key = code(e.Key)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", key, becomes(e), notGiven(e), remarks(e))
	}
	return b.String()
}

// parts are how the places in a job are called in the tables.
var parts = []struct{ prefix, name string }{{"steps[0].parameter.", "reader "}, {"steps[1].parameter.", "writer "}}

func becomes(e convert.Entry) string {
	switch e.Status {
	case convert.Needless:
		return "nothing: not needed"
	case convert.Unsupported:
		return "**no equivalent**"
	case convert.Differs:
		if e.To == "" {
			return "nothing: differs"
		}
	}
	var places []string
	for place := range strings.SplitSeq(e.To, ", ") {
		side := ""
		for _, p := range parts {
			if rest, ok := strings.CutPrefix(place, p.prefix); ok {
				side, place = p.name, strings.ReplaceAll(rest, `["*"]`, ".*")
			}
		}
		if place != "" {
			places = append(places, side+code(place))
		}
	}
	return strings.Join(places, ", ")
}

func notGiven(e convert.Entry) string {
	switch {
	case e.Absent != "":
		return code(e.Absent) + ", which the job says"
	case e.There != "":
		return fmt.Sprintf("%s there, %s in gx", code(e.There), code(e.Here))
	}
	return ""
}

func remarks(e convert.Entry) string {
	text := sentence(e.Note, nil)
	if strings.HasPrefix(e.Note, "gx ") {
		text = "g" + text[1:] // a name that is never capital
	}
	if e.Try != "" {
		text += " Instead: " + prose(e.Try) + "."
	}
	return strings.TrimSpace(text)
}
