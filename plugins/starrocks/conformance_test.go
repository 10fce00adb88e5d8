package starrocks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/sdk/sdktest"
)

// arrived are the rows that the fake cluster took, of whatever form.
func arrived(f *fakeCluster) (out [][]string, err error) {
	for _, l := range f.seen() {
		for _, row := range rowsOf(l) {
			if l.header.Get("format") != "json" {
				out = append(out, strings.Split(row, "\x01"))
				continue
			}
			values, err := jsonValues(row)
			if err != nil {
				return nil, err
			}
			out = append(out, values)
		}
	}
	return out, nil
}

// jsonValues are the values of an object in their order, as text.
func jsonValues(object string) (values []string, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(object)))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		values = append(values, fmt.Sprint(v))
	}
	return values, nil
}

func TestConformance(t *testing.T) {
	for name, more := range map[string]string{
		"json": `"loadProps":{"format":"json"}`,
		"csv":  `"column":["id","name","amount","flag","at"]`,
		"sift": `"loadProps":{"format":"json"},"strategyOnError":"rowDirtyData"`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeCluster(t)
			c := sdktest.WriterCase{Plugin: Plugin("test"), Parameters: params(f, more), Landed: func() ([][]string, error) { return arrived(f) }}
			if name == "csv" {
				c.Skip = map[string]string{"takes every type": "the table of the case has five columns, and the law sends two"}
			}
			sdktest.Writer(t, c)
		})
	}
}
