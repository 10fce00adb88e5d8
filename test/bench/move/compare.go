package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	_ "github.com/go-sql-driver/mysql"
	"github.com/gx-etl/gx/test/bench/rig"
	"github.com/twmb/franz-go/pkg/kgo"
)

// document is a message as the comparison reads it.
type document struct {
	ID      int64           `json:"id"`
	City    string          `json:"city"`
	Name    string          `json:"name"`
	Amount  string          `json:"amount"`
	TS      string          `json:"ts"`
	Tag     json.RawMessage `json:"tag"`
	Channel string          `json:"channel"`
	OK      bool            `json:"ok"`
}

// survey is what a topic holds, read from the topic itself.
type survey struct {
	Count int64      `json:"count"`
	IDs   string     `json:"ids"` // sum, decimal
	Spots []document `json:"spots"`
}

// surveyTopic reads a whole topic with a client that gx does not use.
func surveyTopic(ctx context.Context, addr string, t rig.Topic) (survey, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(t.Name()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return survey{}, err
	}
	defer client.Close()
	wanted := map[int64]bool{0: true, t.Messages / 2: true, t.Messages - 1: true}
	var s survey
	sum := new(big.Int)
	for s.Count < t.Messages {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return survey{}, fmt.Errorf("read %s: %w", t.Name(), err)
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			var d document
			if err := json.Unmarshal(r.Value, &d); err != nil {
				failed = fmt.Errorf("%s/%d at %d: %w", r.Topic, r.Partition, r.Offset, err)
				return
			}
			s.Count++
			sum.Add(sum, big.NewInt(d.ID))
			if wanted[d.ID] {
				s.Spots = append(s.Spots, d)
			}
		})
		if failed != nil {
			return survey{}, failed
		}
	}
	s.IDs = sum.String()
	if len(s.Spots) != len(wanted) {
		return survey{}, fmt.Errorf("%s: %d of the %d messages to compare are there", t.Name(), len(s.Spots), len(wanted))
	}
	return s, nil
}

// table says where a job's rows stand and what a message becomes there.
type table struct {
	name    string
	columns string
	row     func(document) []any // strings, and values to be compared as JSON
}

var documents = table{"documents", "id, city, name, amount, ts, tag, channel, ok", func(d document) []any {
	ok := "0"
	if d.OK {
		ok = "1"
	}
	return []any{strconv.FormatInt(d.ID, 10), d.City, d.Name, d.Amount, d.TS, d.Tag, d.Channel, ok}
}}

var projected = table{"projected", "id, city, name, amount, description", func(d document) []any {
	var tag struct{ Desc string }
	_ = json.Unmarshal(d.Tag, &tag) // it came out of a valid document
	return []any{strconv.FormatInt(d.ID, 10), d.City, d.Name, d.Amount, tag.Desc}
}}

// compare asks the MySQL port for what stands in the table. It returns a line for everything that is equal and one for
// everything that is not.
func (t table) compare(ctx context.Context, addr string, want survey) (equal, differ []string, err error) {
	db, err := sql.Open("mysql", "root@tcp("+addr+")/bench?interpolateParams=true")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = db.Close() }()
	var count int64
	var sum sql.NullString
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*), SUM(id) FROM "+t.name).Scan(&count, &sum); err != nil {
		return nil, nil, fmt.Errorf("count of %s: %w", t.name, err)
	}
	note := func(what, seen, wanted string, same bool) {
		if same {
			equal = append(equal, what+" "+seen)
		} else {
			differ = append(differ, fmt.Sprintf("%s is %s, the topic has %s", what, seen, wanted))
		}
	}
	note("count", strconv.FormatInt(count, 10), strconv.FormatInt(want.Count, 10), count == want.Count)
	note("sum of ids", sum.String, want.IDs, sameNumber(sum.String, want.IDs))
	for _, d := range want.Spots {
		seen, err := t.find(ctx, db, d.ID)
		if err != nil {
			return nil, nil, err
		}
		wanted := t.row(d)
		note(fmt.Sprintf("row %d:", d.ID), show(seen), show(wanted), sameRow(seen, wanted))
	}
	return equal, differ, nil
}

// find returns the cells of the one row with an id.
func (t table) find(ctx context.Context, db *sql.DB, id int64) (cells []any, err error) {
	rows, err := db.QueryContext(ctx, "SELECT "+t.columns+" FROM "+t.name+" WHERE id = ?", id)
	if err != nil {
		return nil, fmt.Errorf("row %d of %s: %w", id, t.name, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if cells != nil {
			return nil, fmt.Errorf("row %d of %s is there more than once", id, t.name)
		}
		texts := make([]sql.NullString, strings.Count(t.columns, ",")+1)
		into := make([]any, len(texts))
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for _, c := range texts {
			if c.Valid {
				cells = append(cells, c.String)
			} else {
				cells = append(cells, nil)
			}
		}
	}
	return cells, rows.Err()
}

// sameNumber compares decimal texts by value: a sum may come as 10, 10.0 or 1e1.
func sameNumber(a, b string) bool {
	x, ok1 := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return ok1 && ok2 && x.Cmp(y) == 0
}

func sameRow(seen, want []any) bool {
	if len(seen) != len(want) {
		return false
	}
	for i, w := range want {
		text, ok := seen[i].(string)
		if !ok {
			return false
		}
		if raw, isJSON := w.(json.RawMessage); isJSON {
			if !sameJSON([]byte(text), raw) {
				return false
			}
		} else if text != w {
			return false
		}
	}
	return true
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return decode(a, &x) && decode(b, &y) && reflect.DeepEqual(x, y)
}

func decode(src []byte, into *any) bool {
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	return d.Decode(into) == nil
}

func show(cells []any) string {
	if cells == nil {
		return "missing"
	}
	var out []string
	for _, c := range cells {
		switch c := c.(type) {
		case nil:
			out = append(out, "NULL")
		case json.RawMessage:
			out = append(out, string(c))
		default:
			out = append(out, fmt.Sprint(c))
		}
	}
	return strings.Join(out, " | ")
}
