package file_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/file"
	"github.com/gx-etl/gx/plugins/sdk/sdktest"
	"github.com/tidwall/gjson"
)

// folder gives each law of the suite a folder of its own, and the files in them all.
type folder struct {
	root string
	n    int
}

func (f *folder) fresh(parameters string) func(*testing.T) string {
	return func(*testing.T) string {
		f.n++
		return fmt.Sprintf(`{"path": %q, `, filepath.Join(f.root, fmt.Sprint("law", f.n), "out")) + parameters + "}"
	}
}

func (f *folder) each(take func(text string) error) error {
	files, err := filepath.Glob(filepath.Join(f.root, "*", "out", "rows__*"))
	if err != nil {
		return err
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := take(string(text)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// same compares a row that landed with the one that was sent; column v has every type in turn.
func same(null string) func(sdktest.Row, []string) error {
	return func(sent sdktest.Row, landed []string) error {
		if len(sent.Values) != len(landed) {
			return fmt.Errorf("%d values landed, %d were sent", len(landed), len(sent.Values))
		}
		for i, v := range sent.Values {
			want := fmt.Sprint(v)
			switch v := v.(type) {
			case nil:
				want = null
			case []byte:
				want = string(v)
			case time.Time:
				if want = v.Format("2006-01-02 15:04:05.999999999"); len(landed[i]) == len(time.DateOnly) {
					want = v.Format(time.DateOnly)
				}
			}
			switch want { // other bytes than those of Binary, and NULL of its own type, as arrow-go prints them
			case "Z3g=":
				want = "gx"
			case "(null)":
				want = null
			}
			got := landed[i]
			if _, isText := v.(string); isText && want != got { // as arrow-go prints it, with other blanks in nested values
				want, got = strings.ReplaceAll(want, " ", ""), strings.ReplaceAll(got, " ", "")
			}
			if got != want {
				return fmt.Errorf("%s landed as %q, sent %q", sent.Columns[i], landed[i], want)
			}
		}
		return nil
	}
}

func TestCSVWriterConformance(t *testing.T) {
	f := &folder{root: t.TempDir()}
	sdktest.Writer(t, sdktest.WriterCase{
		Plugin: file.WriterPlugin("test"),
		Fresh:  f.fresh(`"fileName": "rows.csv", "header": true, "maxFileRows": 7`),
		Landed: func() (out [][]string, err error) {
			err = f.each(func(text string) error {
				all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
				if err == nil && len(all) > 8 {
					err = fmt.Errorf("%d rows in one file", len(all))
				}
				out = append(out, all...)
				return err
			})
			return out, err
		},
		Same: same(`\N`),
	})
}

func TestJSONLinesWriterConformance(t *testing.T) {
	f := &folder{root: t.TempDir()}
	sdktest.Writer(t, sdktest.WriterCase{
		Plugin: file.WriterPlugin("test"),
		Fresh:  f.fresh(`"fileName": "rows", "format": "jsonl", "maxFileBytes": 400, "writeMode": "truncate"`),
		Landed: func() (out [][]string, err error) {
			err = f.each(func(text string) error {
				if len(text) > 400 {
					return fmt.Errorf("%d bytes", len(text))
				}
				for line := range strings.Lines(text) {
					if !gjson.Valid(line) {
						return fmt.Errorf("%q is not JSON", line)
					}
					var row []string
					gjson.Parse(line).ForEach(func(_, v gjson.Result) bool {
						row = append(row, v.String())
						if v.Type == gjson.Null {
							row[len(row)-1] = "null"
						} else if v.Type == gjson.Number {
							row[len(row)-1] = v.Raw
						}
						return true
					})
					out = append(out, row)
				}
				return nil
			})
			return out, err
		},
		Same: same("null"),
	})
}
