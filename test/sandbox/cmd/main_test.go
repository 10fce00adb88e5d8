package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is a bytes.Buffer that a server and a test may share.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

type addresses struct {
	Kafka, FEHTTP, FEQuery, BEHTTP, Control, Version string
	Followers, Backends                              []string
}

// server runs gx-sandbox until the test ends and returns its ready file.
func server(t *testing.T, args ...string) (addresses, *buffer) {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	ctx, cancel := context.WithCancel(t.Context())
	out, errOut := &buffer{}, &buffer{}
	args = append([]string{"--fe-http", "127.0.0.1:0", "--fe-query", "127.0.0.1:0", "--be-http", "127.0.0.2:0",
		"--control", "127.0.0.1:0", "--ready-file", ready}, args...)
	done := make(chan int, 1)
	go func() { done <- run(ctx, args, nil, out, errOut) }()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("exit code %d, %s", code, errOut)
		}
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(ready)
		if err == nil {
			var a addresses
			if err := json.Unmarshal(text, &a); err != nil {
				t.Fatal(err)
			}
			return a, out
		}
		if time.Now().After(end) {
			t.Fatalf("not ready: %s %s", out, errOut)
		}
	}
}

func tool(t *testing.T, in string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

func TestServeAndSQL(t *testing.T) {
	script := filepath.Join(t.TempDir(), "init.sql")
	text := "CREATE DATABASE shop; CREATE TABLE shop.t (k INT, v STRING) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k);"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, out := server(t, "--kafka", "off", "--init", script, "--user", "bob:p:w")
	if len(a.Backends) != 1 || a.Backends[0] != a.BEHTTP || a.Followers == nil || len(a.Followers) != 0 || a.Version == "" {
		t.Errorf("%+v", a)
	}
	if a.Kafka != "" || !strings.HasPrefix(a.BEHTTP, "127.0.0.2:") || !strings.Contains(out.String(), "http://"+a.FEHTTP) {
		t.Errorf("%+v\n%s", a, out)
	}
	code, got, errOut := tool(t, "", "sql", "--fe-query", a.FEQuery, "--user", "bob:p:w", "--database", "shop",
		"INSERT INTO t VALUES (1, 'x'), (2, NULL); SELECT k, v AS 'ü' FROM t ORDER BY k", "select * from t where k = 9")
	want := `Query OK, 2 rows affected
+---+------+
| k | ü    |
+---+------+
| 1 | x    |
| 2 | NULL |
+---+------+
2 rows in set
Empty set
`
	if code != 0 || got != want {
		t.Errorf("exit code %d\n%s%s", code, got, errOut)
	}
	code, got, errOut = tool(t, "", "sql", "--fe-query", a.FEQuery, "SELECT 1; SELECT * FROM shop.none; SELECT 2")
	if code != 1 || !strings.Contains(got, "| 1 |") || strings.Contains(got, "| 2 |") || !strings.Contains(errOut, "ERROR ") || !strings.Contains(errOut, "none") {
		t.Errorf("exit code %d\n%s%s", code, got, errOut)
	}
	if code, _, errOut := tool(t, "", "sql", "--fe-query", a.FEQuery, "--user", "bob:wrong", "SELECT 1"); code != 1 || !strings.Contains(errOut, "1045") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}

func TestProduce(t *testing.T) {
	a, _ := server(t, "--kafka", "127.0.0.1:0")
	code, out, errOut := tool(t, "1|a\n2|b|c\nno key\n\n1|d", "produce", "--kafka", a.Kafka, "--topic", "keyed", "--partitions", "3", "--key-separator", "|")
	if code != 0 || !strings.HasPrefix(out, "5 messages to keyed") {
		t.Fatalf("exit code %d\n%s%s", code, out, errOut)
	}
	const many = 100000
	line := strings.Repeat("x", 100) + "\n"
	if code, out, errOut := tool(t, strings.Repeat(line, many), "produce", "--kafka", a.Kafka, "--topic", "many", "--partitions", "4"); code != 0 || !strings.HasPrefix(out, "100000 messages") {
		t.Fatalf("exit code %d\n%s%s", code, out, errOut)
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(a.Kafka), kgo.ConsumeTopics("keyed", "many"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	keyed := map[string]int32{}
	values := map[string]bool{}
	perPartition := map[int32]int{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for total := 0; total < many+5; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			total++
			if r.Topic == "many" {
				perPartition[r.Partition]++
				return
			}
			if r.Key != nil {
				if p, ok := keyed[string(r.Key)]; ok && p != r.Partition {
					t.Errorf("key %s in partitions %d and %d", r.Key, p, r.Partition)
				}
				keyed[string(r.Key)] = r.Partition
			}
			values[string(r.Key)+"="+string(r.Value)] = true
		})
	}
	for _, v := range []string{"1=a", "2=b|c", "=no key", "=", "1=d"} {
		if !values[v] {
			t.Errorf("%q is missing in %v", v, values)
		}
	}
	for p := range int32(4) {
		if perPartition[p] != many/4 {
			t.Errorf("partition %d has %d messages", p, perPartition[p])
		}
	}
}

func TestProduceWithoutBroker(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut bytes.Buffer
	code := run(ctx, []string{"produce", "--kafka", "127.0.0.1:1", "--topic", "x"}, strings.NewReader("a\n"), &out, &errOut)
	if code != 1 || !strings.Contains(errOut.String(), "topic x") || !strings.HasPrefix(out.String(), "0 messages") {
		t.Errorf("exit code %d\n%s%s", code, &out, &errOut)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--nope"}, {"verb"}, {"--user", "nocolon"}, {"produce"}, {"produce", "--topic", "x", "extra"}, {"sql"}, {"sql", "--nope", "x"},
		{"produce", "--topic", "x", "--partitions", "0"},
	} {
		if code, _, errOut := tool(t, "", args...); code != 2 || errOut == "" {
			t.Errorf("%v: exit code %d, %q", args, code, errOut)
		}
	}
	if code, _, errOut := tool(t, "", "--init", "/does/not/exist.sql"); code != 1 || !strings.Contains(errOut, "--init") {
		t.Errorf("exit code %d, %q", code, errOut)
	}
	for _, args := range [][]string{{"--help"}, {"help"}, {"produce", "--help"}, {"sql", "-h"}} {
		if code, out, errOut := tool(t, "", args...); code != 0 || !strings.Contains(out, "gx-sandbox") || errOut != "" {
			t.Errorf("%v: exit code %d, %q %q", args, code, out, errOut)
		}
	}
}
