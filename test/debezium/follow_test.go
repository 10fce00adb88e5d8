package debezium

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/built"
	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	partitions = 3   // of every topic
	before     = 300 // rows of every table before the connector's snapshot
	seed       = 7
)

// changes is how many changes each database commits.
func changes(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GX_TEST_CHANGES")
	if text == "" {
		return 50000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("GX_TEST_CHANGES is %q, not a number of changes", text)
	}
	return n
}

// services starts both databases and the worker, and stops them when the test is over.
func services(t *testing.T) (sources []*source, worker *Worker) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gx-debezium-")
	if err == nil {
		t.Cleanup(func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		})
		err = os.Chmod(dir, 0o711) // PostgreSQL runs as another user when we are root
	}
	if err != nil {
		t.Fatal(err)
	}
	var errs [3]error
	sources = make([]*source, 2)
	var all sync.WaitGroup
	for i, start := range []func(context.Context, string) (*source, error){startPostgresSource, startMariaDBSource} {
		all.Go(func() { sources[i], errs[i] = start(t.Context(), dir) })
	}
	all.Go(func() {
		worker, errs[2] = StartWorker(t.Context(), built.Root(), filepath.Join(dir, "worker"), kafka(t).Addr)
	})
	all.Wait()
	for _, s := range sources {
		if s != nil {
			t.Cleanup(func() {
				if s.db != nil {
					_ = s.db.Close()
				}
				if err := s.stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	t.Cleanup(func() {
		if errs[2] != nil {
			return
		}
		if said, err := os.ReadFile(worker.Log()); err == nil && t.Failed() {
			t.Logf("the end of the worker's log:\n%s", said[max(0, len(said)-8000):])
		}
		if err := worker.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return sources, worker
}

// After random changes of five tables in each database, before, during and after the snapshot that Debezium takes, the tables
// of the stand-in hold what the databases hold, row by row.
func TestTablesFollowTheirSource(t *testing.T) {
	sources, worker := services(t)
	for _, s := range sources {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			p := &pursuit{source: s, worker: worker, changes: changes(t), addr: kafka(t).Addr}
			for i := range s.feeds {
				p.follow(t, &s.feeds[i])
			}
			p.run(t)
		})
	}
}

// pursuit is one database, the connectors that read its changes, and the jobs that follow them.
type pursuit struct {
	source    *source
	worker    *Worker
	addr      string // of Kafka
	changes   int
	followers []*follower
}

// follower is a job that moves topics of a feed to the tables of the same names.
type follower struct {
	*harness.Case
	p      *pursuit
	feed   *feed
	how    *following
	tables []*table
	job    *harness.Running
}

func (p *pursuit) follow(t *testing.T, from *feed) {
	t.Helper()
	for i := range from.jobs {
		f := &follower{Case: world.Case(t, kafka(t)), p: p, feed: from, how: &from.jobs[i]}
		for i := range p.source.tables {
			if table := &p.source.tables[i]; slices.Contains(f.how.tables, table.name) {
				f.tables = append(f.tables, table)
				f.Exec(table.createTarget(f.Database))
			}
		}
		p.followers = append(p.followers, f)
	}
}

func (p *pursuit) run(t *testing.T) {
	w := newWorkload(p.source, seed)
	if err := w.fill(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	for i := range p.source.feeds {
		p.register(t, &p.source.feeds[i])
	}

	started := time.Now()
	half, worked := make(chan error, 1), make(chan error, 1)
	go func() {
		err := w.run(t.Context(), p.changes/2)
		half <- err
		if err == nil {
			err = w.run(t.Context(), p.changes-p.changes/2)
		}
		worked <- err
	}()
	admin := p.admin(t)
	p.awaitTopics(t, admin)
	for _, f := range p.followers {
		f.job = f.Start(f.document())
	}
	if err := <-half; err != nil {
		t.Fatal(err)
	}
	for _, f := range p.followers {
		f.stumble(t)
	}
	if err := <-worked; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d changes in %s: %+v", p.changes, time.Since(started).Round(time.Millisecond), w.done)
	p.drain(t)
	ends, err := admin.ListEndOffsets(t.Context(), p.topics()...)
	if err != nil {
		t.Fatal(err)
	}
	p.checkTopics(t, ends)
	t.Logf("the topics hold all changes after %s", time.Since(started).Round(time.Millisecond))
	for _, f := range p.followers {
		f.finish(t, ends)
		t.Logf("gx was done after %s", time.Since(started).Round(time.Millisecond))
		f.compare(t)
	}
}

// register starts the connector of a feed.
func (p *pursuit) register(t *testing.T, f *feed) {
	t.Helper()
	config := maps.Clone(p.source.config)
	maps.Copy(config, f.config)
	maps.Copy(config, Config{"tasks.max": "1", "topic.prefix": f.id, "topic.creation.default.replication.factor": "1",
		"topic.creation.default.partitions": strconv.Itoa(partitions)})
	for _, c := range []string{"key", "value"} {
		config[c+".converter"], config[c+".converter.schemas.enable"] = "org.apache.kafka.connect.json.JsonConverter", strconv.FormatBool(f.schemas)
		config[c+".converter.replace.null.with.default"] = "false" // or a NULL would come as the default of its column
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := p.worker.Register(ctx, f.id, config); err != nil {
		t.Fatal(err)
	}
}

func (p *pursuit) topic(f *feed, table string) string {
	return f.id + "." + p.source.schema + "." + table
}

// topics are those that the jobs read.
func (p *pursuit) topics() (all []string) {
	for _, f := range p.followers {
		for _, table := range f.tables {
			all = append(all, p.topic(f.feed, table.name))
		}
	}
	return all
}

func (p *pursuit) admin(t *testing.T) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(p.addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// awaitTopics waits until there is a topic for every table: Connect makes it with the first row.
func (p *pursuit) awaitTopics(t *testing.T, admin *kadm.Client) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		ends, err := admin.ListEndOffsets(t.Context(), p.topics()...)
		if err == nil && ends.Error() == nil {
			return
		}
		for i := range p.source.feeds {
			if _, err := p.worker.Running(t.Context(), p.source.feeds[i].id); err != nil {
				t.Fatal(err)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the connectors have not made their topics: %v, %v", err, ends.Error())
		}
	}
}

// drain waits until Kafka has every change that was committed. A connector says how far it is when it has sent something,
// so it is given changes of a table that nobody reads.
func (p *pursuit) drain(t *testing.T) {
	t.Helper()
	end, err := p.source.end(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	behind := make([]string, 0, len(p.source.feeds))
	for i := range p.source.feeds {
		behind = append(behind, p.source.feeds[i].id)
	}
	deadline := time.Now().Add(5 * time.Minute)
	for tick := 0; len(behind) > 0; tick++ {
		if err := p.source.execute(t.Context(), fmt.Sprintf("INSERT INTO %sticks VALUES (%d)", p.source.prefix, tick)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		behind = slices.DeleteFunc(behind, func(id string) bool {
			at := p.position(t, id)
			if at.before(end) && time.Now().After(deadline) {
				t.Fatalf("connector %s is at %+v, and the log went to %+v five minutes ago", id, at, end)
			}
			return !at.before(end)
		})
	}
}

// position tells how far a connector is.
func (p *pursuit) position(t *testing.T, id string) position {
	t.Helper()
	if _, err := p.worker.Running(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	offset, err := p.worker.Offset(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	at, err := p.source.place(offset)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// document is a streaming job. A job of one table knows its columns, one of several looks at each message.
func (f *follower) document() *harness.Document {
	d := f.Streaming()
	d.Reader["messageFormat"] = "debezium-json"
	d.Reader["sessionTimeoutMs"] = 10000 // two databases, two JVMs and all jobs share the machine
	maps.Copy(d.Reader, f.how.reader)
	var topics []string
	routes := harness.Object{}
	for _, table := range f.tables {
		topic := f.p.topic(f.feed, table.name)
		topics = append(topics, topic)
		routes[topic] = table.name
	}
	d.Reader["topic"] = topics
	if len(f.tables) == 1 {
		d.Writer["table"] = f.tables[0].name
	} else {
		delete(d.Writer, "table")
		d.Writer["topic2table"] = routes
	}
	d.Setting["speed"] = harness.Object{"concurrent": 2}
	return d
}

// stumble kills gx, when it is one to be killed, and starts it again.
func (f *follower) stumble(t *testing.T) {
	t.Helper()
	if !f.how.crash {
		return
	}
	f.job.Until("rows in the stand-in", func() bool {
		return f.Query("SELECT COUNT(*) FROM " + f.Database + "." + f.tables[0].name)[0] != "0"
	})
	f.job.Kill(f.job.Pid())
	f.job.Wait()
	f.job = f.Start(f.document())
}

// finish lets gx read to the ends of its topics, and stops it.
func (f *follower) finish(t *testing.T, ends kadm.ListedOffsets) {
	t.Helper()
	var records int64
	deadline := time.Now().Add(5 * time.Minute)
	for _, table := range f.tables {
		topic := f.p.topic(f.feed, table.name)
		for _, end := range ends[topic] {
			records += end.Offset
		}
		for {
			at := f.Broker.Committed(t, f.Group, topic, partitions)
			behind := false
			for partition, end := range ends[topic] {
				behind = behind || at[partition] != end.Offset && end.Offset > 0
			}
			if !behind {
				break
			}
			if !f.job.Alive() || time.Now().After(deadline) {
				t.Fatalf("%s: gx is at %v and does not reach %v\n%s", topic, at, ends[topic], f.job.Stderr())
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	f.job.Signal(syscall.SIGTERM)
	result := f.job.Wait()
	// A killed job has read some records before; one that lost its partitions for a while may read some twice.
	if r := result.Report; result.Code != 143 || r == nil || r.Dirty != 0 || !f.how.crash && r.Read < records {
		t.Errorf("exit code %d, want 143; %d records were to be read without a dirty one: %+v\n%s", result.Code, records, r, result.Said())
	}
}

// compare compares the tables with those of the source, row by row.
func (f *follower) compare(t *testing.T) {
	t.Helper()
	rows := 0
	for _, table := range f.tables {
		source, err := contents(t.Context(), f.p.source.db, table, table.query(f.p.source.prefix))
		if err != nil {
			t.Fatal(err)
		}
		target, err := contents(t.Context(), f.World.Sandbox.DB, table,
			"SELECT "+table.names(0, len(table.columns))+" FROM "+f.Database+"."+table.name)
		if err != nil {
			t.Fatal(err)
		}
		n, shown := differences(source, target)
		if n > 0 {
			t.Errorf("%s: %d of %d rows differ%s", table.name, n, len(source), shown)
		}
		t.Logf("%s: %d rows here, %d there, %d differ", table.name, len(source), len(target), n)
		rows += len(source)
	}
	if rows == 0 {
		t.Error("no rows were compared")
	}
}
