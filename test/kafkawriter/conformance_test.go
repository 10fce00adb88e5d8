package kafkawriter

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/kafka"
	"github.com/gx-etl/gx/plugins/sdk/sdktest"
	"github.com/twmb/franz-go/pkg/kgo"
)

// same compares a row with the texts of it.
func same(sent sdktest.Row, landed []string) error {
	if len(sent.Values) != len(landed) {
		return fmt.Errorf("%d values landed, %d were sent", len(landed), len(sent.Values))
	}
	for i, v := range sent.Values {
		want := fmt.Sprint(v)
		switch v := v.(type) {
		case nil:
			want = "null"
		case []byte:
			want = string(v)
		case time.Time:
			if want = v.Format("2006-01-02 15:04:05.999999999"); len(landed[i]) == len(time.DateOnly) {
				want = v.Format(time.DateOnly)
			}
		}
		if landed[i] != want && sent.Columns[i] != "v" {
			return fmt.Errorf("%s landed as %q, sent %q", sent.Columns[i], landed[i], want)
		}
	}
	return nil
}

// members are the values of a JSON object in their order, as text.
func members(value []byte) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(value))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []string
	for d.More() {
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		text := string(raw)
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, err
			}
		}
		out = append(out, text)
	}
	return out, nil
}

func rowsIn(records []*kgo.Record, read func(*kgo.Record) ([]string, error)) ([][]string, error) {
	var out [][]string
	for _, r := range records {
		row, err := read(r)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

func TestConformanceJSON(t *testing.T) {
	c := newCluster(t, 3, nil)
	sdktest.Writer(t, sdktest.WriterCase{
		Plugin: kafka.WriterPlugin("test"), Parameters: c.parameters(`"keyColumns":["id"],"compression":"zstd"`), Same: same,
		Landed: func() ([][]string, error) {
			return rowsIn(c.landed(c.topic), func(r *kgo.Record) ([]string, error) { return members(r.Value) })
		},
	})
}

func TestConformanceCSV(t *testing.T) {
	c := newCluster(t, 2, nil)
	sdktest.Writer(t, sdktest.WriterCase{
		Plugin: kafka.WriterPlugin("test"), Parameters: c.parameters(`"messageFormat":"csv","nullFormat":"null","idempotent":false,"acks":"1"`), Same: same,
		Streaming: true,
		Landed: func() ([][]string, error) {
			return rowsIn(c.landed(c.topic), func(r *kgo.Record) ([]string, error) { return csv.NewReader(bytes.NewReader(r.Value)).Read() })
		},
	})
}

func TestConformanceRaw(t *testing.T) {
	c := newCluster(t, 2, nil)
	sdktest.Writer(t, sdktest.WriterCase{
		Plugin: kafka.WriterPlugin("test"), Parameters: c.parameters(`"messageFormat":"raw"`),
		Columns: []arrow.Field{{Name: "__key__", Type: arrow.BinaryTypes.String}, {Name: "__value__", Type: arrow.BinaryTypes.Binary, Nullable: true}},
		Skip:    map[string]string{"takes every type": "each type needs a column of its own, and raw needs __value__"},
		Landed: func() ([][]string, error) {
			return rowsIn(c.landed(c.topic), func(r *kgo.Record) ([]string, error) {
				return []string{string(r.Key), strconv.Quote(string(r.Value)), strconv.FormatBool(r.Value == nil)}, nil
			})
		},
		Same: func(sent sdktest.Row, landed []string) error {
			v, _ := sent.Get("__value__").([]byte)
			if landed[1] != strconv.Quote(string(v)) || landed[2] != strconv.FormatBool(sent.Get("__value__") == nil) {
				return fmt.Errorf("landed as %q, sent %q", landed, sent)
			}
			return nil
		},
	})
}
