package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// Document is the job as JSON that people read.
func (r *Result) Document() []byte {
	var b bytes.Buffer
	// The value is JSON by its construction.
	_ = json.Indent(&b, r.Job.JSON(), "", "  ")
	b.WriteByte('\n')
	return b.Bytes()
}

// Report is what the machine-readable report holds.
type Report struct {
	From  Tool              `json:"from"`
	Lossy bool              `json:"lossy"` // something that was needed has no equivalent, or gx check refuses the job
	Keys  []Line            `json:"keys"`
	Check []options.Problem `json:"check"` // what gx check says of the job
}

// WriteText writes the lines for people, one each.
func WriteText(w io.Writer, lines []Line) error {
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, l.String()); err != nil {
			return err
		}
	}
	return nil
}

// String is the line as it stands in the report, such as
//
//	sink.properties:7  mapped       tasks.max=2 → setting.speed.concurrent
func (l Line) String() string {
	var b strings.Builder
	place := l.File
	if l.Line > 0 {
		place = fmt.Sprintf("%s:%d", l.File, l.Line)
	}
	fmt.Fprintf(&b, "%-11s ", l.Status)
	if place != "" {
		b.WriteString(place + ": ")
	}
	key := visible(l.Key)
	switch {
	case l.Status == Default || l.Status == Differs && l.Line == 0:
		if key != "" {
			key += " not given"
		}
	case l.Value != "":
		key += "=" + visible(l.Value)
	}
	b.WriteString(key)
	if l.To != "" {
		if key != "" {
			b.WriteByte(' ')
		}
		b.WriteString("→ " + l.To)
		if l.Status == Default && l.Value != "" {
			b.WriteString(" = " + visible(l.Value))
		}
	}
	if l.There != "" {
		fmt.Fprintf(&b, " [default there: %s, in gx: %s]", l.There, l.Here)
	}
	if l.Note != "" {
		b.WriteString("; " + l.Note)
	}
	if l.Try != "" {
		word := "try"
		if l.Status == Unknown {
			word = "nearest"
		}
		fmt.Fprintf(&b, "; %s: %s", word, l.Try)
	}
	return b.String()
}

// visible keeps a line one line.
func visible(text string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text)
}
