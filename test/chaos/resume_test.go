package chaos

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
)

const (
	sourceRows = 2400
	perSecond  = 1600 // so that a run takes a second and a half
)

// A job from one StarRocks table to another, shard by shard, is killed again and again: the core, the reader or the writer,
// at random moments of the run and of every resume. When gx run --resume has come to its end, the DUPLICATE KEY table holds
// each row once. With "at-least-once" some may be there twice, and none is missing.
func TestResumedJobsAreExact(t *testing.T) {
	runs, seed := setting(t, "GX_CHAOS_RESUMES", 20), setting(t, "GX_CHAOS_SEED", 1)
	t.Logf("%d runs, seed %d; GX_CHAOS_RESUMES and GX_CHAOS_SEED set others", runs, seed)
	base := world.Case(t, world.Brokers[0])
	base.Exec("CREATE TABLE " + base.Database + ".src (id INT NOT NULL, v STRING) DUPLICATE KEY (id) DISTRIBUTED BY HASH(id)")
	for from := 0; from < sourceRows; from += 400 {
		var values []string
		for id := from; id < from+400; id++ {
			values = append(values, fmt.Sprintf("(%d, 'row %d')", id, id))
		}
		base.Exec("INSERT INTO " + base.Database + ".src VALUES " + strings.Join(values, ", "))
	}
	kills, left := map[string]int{}, map[string]int{}
	twice := 0
	for n := range runs {
		guarantee := "exactly-once"
		if n%5 == 4 {
			guarantee = "at-least-once"
		}
		t.Run(fmt.Sprintf("%s %d", guarantee, n), func(t *testing.T) {
			r := &resumed{Case: world.Case(t, world.Brokers[0]), dice: rand.New(rand.NewPCG(seed, n)), kills: kills, left: left}
			repeated := r.toTheEnd(base.Database, guarantee)
			if guarantee == "exactly-once" && repeated > 0 {
				t.Errorf("%d rows are there more than once", repeated)
			}
			twice += repeated
		})
	}
	t.Logf("killed: %v; shards that the kills left: %v; rows there twice, with at-least-once: %d", kills, left, twice)
	// A run in which nothing interesting happened proves nothing.
	for _, part := range []string{"core", "reader", "writer"} {
		if runs >= 20 && kills[part] == 0 {
			t.Errorf("the %s was never killed: %v", part, kills)
		}
	}
	for _, phase := range []string{"open", "decided", "done"} {
		if runs >= 100 && left[phase] == 0 {
			t.Errorf("no kill left a shard that was %s: %v", phase, left)
		}
	}
}

// resumed is one job and the hand that kills it.
type resumed struct {
	*harness.Case
	dice  *rand.Rand
	kills map[string]int
	left  map[string]int // shards by the phase in which kills left them
}

func (r *resumed) document(source, guarantee string) *harness.Document {
	d := r.Document()
	d.ReaderType = "starrocks"
	d.Reader = harness.Object{"jdbcUrl": "jdbc:mysql://" + r.World.Sandbox.FEQuery + "/", "username": harness.User, "password": harness.Password,
		"selectedDatabase": source, "table": "src", "column": []string{"id", "v"}, "splitPk": "id", "splitFactor": 4}
	d.Writer["column"] = []string{"id", "v"}
	d.Writer["maxBatchRows"] = 70
	d.Writer["maxRetries"] = 3
	d.Writer["preSql"] = []string{"TRUNCATE TABLE " + r.Database + "." + r.Table} // which must not be done again
	d.Setting["deliveryGuarantee"] = guarantee
	d.Setting["speed"] = harness.Object{"concurrent": 3, "record": perSecond}
	return d
}

// toTheEnd runs and kills until a run ends well, and gives the number of rows beyond the first of each id.
func (r *resumed) toTheEnd(source, guarantee string) (repeated int) {
	r.CreateTable("id INT NOT NULL, v STRING", "DUPLICATE KEY (id) DISTRIBUTED BY HASH(id)")
	job := r.Write(r.document(source, guarantee))
	for left := 1 + r.dice.IntN(4); ; left-- {
		run := r.StartFile(job, "--resume")
		killed := left > 0 && r.kill(run)
		result := run.Wait()
		if result.Code == 0 {
			if got := r.Count(); got < sourceRows {
				r.T.Fatalf("a run ended well with %d of %d rows\n%s", got, sourceRows, result.Said())
			}
			break
		}
		if !killed {
			r.T.Fatalf("a run that nobody killed ended with %d\n%s", result.Code, result.Said())
		}
		r.look(job)
	}
	return r.WantFeed(sourceRows)
}

// kill waits for a moment of the run and then kills a part of it; false when the run was faster.
func (r *resumed) kill(run *harness.Running) bool {
	state := filepath.Join(r.Dir, ".gx", r.ID+".state")
	switch r.dice.IntN(5) {
	case 0: // while it starts
		time.Sleep(time.Duration(r.dice.IntN(90)) * time.Millisecond)
	case 1, 2:
		before := lines(state)
		for want := before + 1 + r.dice.IntN(30); run.Alive() && lines(state) < want; {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(r.dice.IntN(8)) * time.Millisecond)
	default:
		time.Sleep(time.Duration(r.dice.IntN(1500)) * time.Millisecond)
	}
	part := []string{"core", "reader", "writer"}[r.dice.IntN(3)]
	pid := run.Pid()
	if part != "core" {
		pid = 0
		for _, p := range harness.Children(run.Pid()) {
			if p.Name == "starrocks-"+part {
				pid = p.Pid
			}
		}
	}
	if pid == 0 || !run.Alive() || syscall.Kill(pid, syscall.SIGKILL) != nil {
		return false
	}
	r.kills[part]++
	return true
}

// look counts what a kill has left, as gx state show tells it.
func (r *resumed) look(job string) {
	shown := r.Gx("state", "show", job).Wait()
	if shown.Code != 0 {
		r.T.Fatalf("gx state show ended with %d\n%s", shown.Code, shown.Said())
	}
	for _, phase := range []string{"open", "decided"} {
		r.left[phase] += strings.Count(shown.Stdout, ": "+phase+", transaction")
	}
	var done, all int
	if _, text, ok := strings.Cut(shown.Stdout, "shards    "); ok {
		if _, err := fmt.Sscanf(text, "%d of %d done", &done, &all); err != nil {
			r.T.Fatalf("%v in\n%s", err, shown.Stdout)
		}
	}
	r.left["done"] += done
}

// lines is how many records a state file has.
func lines(path string) int {
	src, _ := os.ReadFile(path) // none is none
	return bytes.Count(src, []byte{'\n'})
}
