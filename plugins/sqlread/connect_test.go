package sqlread_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

var (
	oneColumn = []wire{{name: "id", typ: tLong}}
	integers  = []string{"int"}
)

// reading tells the SELECT of a shard from what is asked before it.
func reading(query string) bool {
	return strings.HasPrefix(query, "SELECT") && strings.Contains(query, "FROM `d`.`t`") && !strings.Contains(query, "1 = 0")
}

func TestCancelKillsTheQuery(t *testing.T) {
	for _, throughDriver := range []bool{false, true} {
		t.Run(fmt.Sprintf("through the driver %v", throughDriver), func(t *testing.T) { cancelKillsTheQuery(t, throughDriver) })
	}
}

func cancelKillsTheQuery(t *testing.T, throughDriver bool) {
	source := table(oneColumn, integers, []any{"1"})
	begun := make(chan struct{})
	f := newFake(t, func(q string) result {
		res := source(q)
		if reading(q) {
			close(begun)
			res.hang = true
		}
		return res
	})
	r, _, err := opened(t, starrocksReader, f, 1, `, "table": "t", "column": ["id"]`)
	if err != nil {
		t.Fatal(err)
	}
	if throughDriver {
		r.ThroughDriver()
	}
	shards, err := r.Split(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	var k taken
	if err := r.ReadTo(ctx, shards, k.take(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("read ended with %v", err)
	}
	if f.asked("KILL QUERY") != 1 || len(k.rows) != 0 {
		t.Errorf("%d kills, rows %q", f.asked("KILL QUERY"), k.rows)
	}
}

// A reader whose batches nobody takes any more does not read the rest of the result.
func TestWhoCannotSendKillsTheQuery(t *testing.T) {
	source := table([]wire{{name: "s", typ: tVarString}}, []string{"text"})
	f := newFake(t, func(q string) result {
		res := source(q)
		if reading(q) {
			for range 60 {
				res.rows = append(res.rows, []any{strings.Repeat("x", 60000)})
			}
			res.hang = true
		}
		return res
	})
	r, _, err := opened(t, mysqlReader, f, 1, `, "table": "t", "column": ["s"]`)
	if err != nil {
		t.Fatal(err)
	}
	shards, err := r.Split(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	full := sdk.Faultf(sdk.Internal, "nobody is there")
	err = r.ReadTo(t.Context(), shards, func(b sdk.Outgoing) error { b.Payload.Free(); return full })
	if protocol.AsFault(err) != full || f.asked("KILL QUERY") != 1 || f.asked("SELECT `s`") != 2 {
		t.Errorf("%v; %d kills", err, f.asked("KILL QUERY"))
	}
}

func TestSlowQueryIsGivenUp(t *testing.T) {
	source := table(oneColumn, integers)
	f := newFake(t, func(q string) result {
		res := source(q)
		res.hang = reading(q)
		return res
	})
	r, _, err := opened(t, starrocksReader, f, 1, `, "table": "t", "column": ["id"], "queryTimeoutSec": 1`)
	if err != nil {
		t.Fatal(err)
	}
	shards, err := r.Split(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var k taken
	err = r.ReadTo(t.Context(), shards, k.take(t))
	fault := protocol.AsFault(err)
	if fault == nil || fault.Code != sdk.Unreachable || !strings.Contains(fault.Try, "queryTimeoutSec") || len(k.positions) != 0 {
		t.Errorf("%v, %+v", err, k)
	}
	if f.asked("SET_VAR(query_timeout = 1)") == 0 {
		t.Error("the server was not told")
	}
}

// A connection that breaks before anything was sent is replaced; later, rows would come twice.
func TestBrokenConnections(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks int64 // how often
		rows   int   // before the break
		want   int   // rows in the end, -1: an error
		code   uint16
	}{
		{"before the rows", 1, 0, 3, 0},
		{"after rows that were not sent", 2, 2, 3, 0},
		{"too often", 3, 0, -1, 0},
		{"after a batch", 1, 40, -1, 0},
		{"the server says that it shuts down", 2, 0, 3, 1053},
		{"the server says that the connection was killed", 2, 0, 3, 1927},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var broken atomic.Int64
			source := table([]wire{{name: "s", typ: tVarString}}, []string{"text"}, []any{"a"}, []any{"b"}, []any{"c"})
			f := newFake(t, func(q string) result {
				res := source(q)
				if reading(q) && broken.Add(1) <= c.breaks {
					if c.code != 0 {
						return result{code: c.code, err: "gone"}
					}
					res.rows, res.cut = nil, true
					for range c.rows {
						res.rows = append(res.rows, []any{strings.Repeat("x", 60000)})
					}
				}
				return res
			})
			r, _, err := opened(t, mysqlReader, f, 1, `, "table": "t", "column": ["s"], "maxRetries": 2`)
			if err != nil {
				t.Fatal(err)
			}
			shards, err := r.Split(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			var k taken
			err = r.ReadTo(t.Context(), shards, k.take(t))
			if c.want < 0 {
				if fault := protocol.AsFault(err); fault == nil || fault.Code != sdk.Unreachable {
					t.Errorf("ended with %v, %d rows", err, len(k.rows))
				}
				for _, p := range k.positions {
					if p != "d.t:begin" {
						t.Errorf("position %q of a shard that is not done", p)
					}
				}
			} else if err != nil || len(k.rows) != c.want || k.rows[0][0] != "a" {
				t.Errorf("%d rows, want %d: %v", len(k.rows), c.want, err)
			}
		})
	}
}

func TestAnswersOfServers(t *testing.T) {
	for number, want := range map[uint16]protocol.Code{1045: sdk.Denied, 1142: sdk.Denied, 5203: sdk.Denied, 1049: sdk.NotFound, 1146: sdk.NotFound, 1064: sdk.Refused} {
		f := newFake(t, func(string) result { return result{code: number, err: "no"} })
		_, _, err := opened(t, starrocksReader, f, 1, `, "table": "t", "column": ["id"]`)
		if fault := protocol.AsFault(err); fault == nil || fault.Code != want || fault.Try == "" {
			t.Errorf("error %d: %v", number, err)
		}
	}
}

// The hint of the job and the timeout stand together behind SELECT, once.
func TestHints(t *testing.T) {
	for column, want := range map[string]string{
		"id":                                     "SELECT /*+ SET_VAR(query_timeout = 86400) */ `id` FROM `d`.`t`",
		"/*+ SET_VAR(enable_spill = true) */ id": "SELECT /*+ SET_VAR(query_timeout = 86400, enable_spill = true) */ `id` FROM `d`.`t`",
		"/*+ set_var(query_timeout=9)*/id":       "SELECT /*+ set_var(query_timeout=9) */ `id` FROM `d`.`t`",
		"/*+ SHUFFLE */ `id`":                    "SELECT /*+ SET_VAR(query_timeout = 86400) SHUFFLE */ `id` FROM `d`.`t`",
	} {
		f := newFake(t, table(oneColumn, integers, []any{"7"}))
		if got := read(t, starrocksReader, f, fmt.Sprintf(`, "table": "t", "column": [%q]`, column)); len(got.rows) != 1 || got.rows[0][0] != "7" {
			t.Errorf("%s: %+v", column, got)
		}
		f.mu.Lock()
		if last := f.queries[len(f.queries)-1]; last != want {
			t.Errorf("%s: asked %s\nwant %s", column, last, want)
		}
		f.mu.Unlock()
	}
}

func TestSessionStatements(t *testing.T) {
	f := newFake(t, table(oneColumn, integers))
	read(t, mysqlReader, f, `, "table": "t", "column": ["id"], "session": ["SET time_zone = '+00:00';"], "queryTimeoutSec": 77`)
	if f.asked("SET SESSION net_write_timeout = 77") == 0 || f.asked("SET time_zone = '+00:00'") == 0 {
		t.Errorf("asked %q", f.queries)
	}
	f = newFake(t, func(string) result { return result{columns: oneColumn} })
	read(t, starrocksReader, f, `, "querySql": "SELECT id FROM t"`)
	if f.asked("SET query_timeout = 86400") == 0 {
		t.Errorf("asked %q", f.queries)
	}
}

// A server that takes the connection and says nothing is left after connectTimeoutMs, one that does not answer about tables
// after metadataTimeoutSec.
func TestSilentServers(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	f := newFake(t, table(oneColumn, integers))
	f.addr = lis.Addr().String() + "," + f.addr
	if _, _, err := opened(t, starrocksReader, f, 1, `, "table": "t", "column": ["id"], "connectTimeoutMs": 200`); err != nil {
		t.Errorf("the second server was not tried: %v", err)
	}
	f.addr = lis.Addr().String()
	_, _, err = opened(t, starrocksReader, f, 1, `, "table": "t", "column": ["id"], "connectTimeoutMs": 200`)
	if fault := protocol.AsFault(err); fault == nil || fault.Code != sdk.Unreachable || fault.Place != "jdbcUrl" {
		t.Errorf("%v", err)
	}
	release := make(chan struct{})
	f = newFake(t, func(string) result { <-release; return result{code: 1064, err: "too late"} })
	_, _, err = opened(t, starrocksReader, f, 1, `, "table": "t", "column": ["id"], "metadataTimeoutSec": 1`)
	close(release)
	if fault := protocol.AsFault(err); fault == nil || fault.Code != sdk.Unreachable {
		t.Errorf("%v", err)
	}
}

// With one lane nothing is cut; with more, there are lanes × splitFactor ranges and one for NULL, shared out among the tables.
func TestNumberOfShards(t *testing.T) {
	source := table([]wire{{name: "id", typ: tLongLong}}, []string{"bigint"})
	f := newFake(t, func(q string) result {
		if strings.Contains(q, "MIN(`id`)") {
			return result{columns: []wire{{name: "low", typ: tLongLong}, {name: "high", typ: tLongLong}}, rows: [][]any{{"1", "1000"}}}
		}
		return source(q)
	})
	for _, c := range []struct {
		lanes, want int
		more        string
	}{
		{1, 1, `, "table": "t"`}, {2, 11, `, "table": "t"`}, {3, 7, `, "table": "t", "splitFactor": 2`},
		{2, 12, `, "table": ["t", "u"]`}, {2, 3, `, "table": ["a", "b", "c"], "splitFactor": 1`},
	} {
		r, _, err := opened(t, mysqlReader, f, c.lanes, c.more+`, "column": ["id"], "splitPk": "id"`)
		if err != nil {
			t.Fatal(err)
		}
		if shards, err := r.Split(t.Context(), c.lanes); err != nil || len(shards) != c.want {
			t.Errorf("%d lanes%s: %d shards, want %d: %v", c.lanes, c.more, len(shards), c.want, err)
		}
	}
}

// A column is compared with characters that it can hold: a server refuses others, and the job would end there.
func TestTextsAreCutWithinTheirCharacterSet(t *testing.T) {
	for charset, want := range map[string]bool{"": true, "utf8": true, "utf8mb4": true, "utf16": true, "ucs2": true, "latin1": false, "gbk": false} {
		source := table([]wire{{name: "s", typ: tVarString}}, []string{"varchar(9)"})
		f := newFake(t, func(q string) result {
			if strings.Contains(q, "MIN(`s`)") {
				return result{columns: []wire{{name: "low", typ: tVarString}, {name: "high", typ: tVarString}}, rows: [][]any{{"é", "ф"}}}
			}
			res := source(q)
			if strings.Contains(q, "CHARACTER_SET_NAME") && charset != "" {
				res.rows[0][3] = charset
			}
			return res
		})
		r, _, err := opened(t, mysqlReader, f, 2, `, "table": "t", "column": ["s"], "splitPk": "s", "splitFactor": 1`)
		if err != nil {
			t.Fatal(err)
		}
		shards, err := r.Split(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(shards[0].Descriptor), "'ʖ'") != want || (len(shards) > 1) != want {
			t.Errorf("%q: %d shards, the first %s", charset, len(shards), shards[0].Descriptor)
		}
	}
}
