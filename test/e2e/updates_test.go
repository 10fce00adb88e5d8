package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// updated is what a table holds after documents were applied to it one by one: the columns a, b and c of each key.
type updated map[string][3]string

// change makes a document of one of few keys, with some of the columns in any order, and applies it.
func (u updated) change(random *rand.Rand, n int) string {
	k, name := random.IntN(4), string("xy"[random.IntN(2)])
	members := []string{fmt.Sprintf(`"k":%d`, k), fmt.Sprintf(`"n":%q`, name)}
	if random.IntN(3) == 0 {
		members[0] = fmt.Sprintf(`"k":"%d"`, k)
	}
	if random.IntN(3) == 0 {
		members[1] = fmt.Sprintf(`"n":"\u%04x"`, name[0])
	}
	key := fmt.Sprintf("%d|%s", k, name)
	row, there := u[key]
	if !there {
		row = [3]string{"NULL", "NULL", "NULL"}
	}
	for i, column := range []string{"a", "b", "c"} {
		switch random.IntN(4) {
		case 0, 1:
			row[i] = fmt.Sprint(n)
			members = append(members, fmt.Sprintf("%q:%d", column, n))
		case 2:
			row[i] = "NULL"
			members = append(members, fmt.Sprintf("%q:null", column))
		}
	}
	u[key] = row
	if random.IntN(6) == 0 {
		members = append(members, `"__op":1`)
		delete(u, key)
	}
	random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

func (u updated) rows() (out []string) {
	for key, row := range u {
		out = append(out, key+"|"+strings.Join(row[:], "|"))
	}
	slices.Sort(out)
	return out
}

// Two tables get changes of whatever columns through one job, which names no column: each ends as if its changes had been
// applied one by one.
func TestPartialUpdatesOfManyTables(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		random := rand.New(rand.NewPCG(1, 9))
		tables := []string{c.Table, c.Table + "_b"}
		topics := []string{c.Topic, c.Topic + "_b"}
		want := []updated{{}, {}}
		const changes = 400
		for i, topic := range topics {
			c.Broker.CreateTopic(t, topic, 1)
			c.Exec("CREATE TABLE " + c.Database + "." + tables[i] + " (k INT NOT NULL, n VARCHAR(20) NOT NULL, a INT, b INT, c INT) PRIMARY KEY (k, n) DISTRIBUTED BY HASH(k)")
			var records []*kgo.Record
			for n := range changes {
				records = append(records, &kgo.Record{Topic: topic, Value: []byte(want[i].change(random, n))})
			}
			c.Broker.Produce(t, records...)
		}
		d := c.Document()
		d.Reader["topic"] = topics
		delete(d.Writer, "table")
		d.Writer["topic2table"] = harness.Object{topics[0]: tables[0], topics[1]: tables[1]}
		d.Writer["loadProps"] = harness.Object{"format": "json", "partial_update": true}
		d.Writer["maxBatchRows"] = 50
		r := c.Done(d)
		for i, table := range tables {
			c.WantRows("SELECT k, n, a, b, c FROM "+c.Database+"."+table+" ORDER BY k, n", want[i].rows()...)
		}
		total := int64(0)
		for _, n := range r.Report.Flushes {
			total += n
		}
		if r.Report.Landed != 2*changes || r.Report.Flushes["order"] == 0 || total != r.Report.Loads {
			t.Errorf("%+v", r.Report)
		}
	})
}

// Columns that were taken out of documents cannot tell what is missing from what is null: such rows are dirty, and the table keeps
// its values.
func TestPartialUpdatesOfColumnsOfDocuments(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT NOT NULL, a INT", "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)")
		c.Exec("INSERT INTO " + c.Database + "." + c.Table + " VALUES (1, 10), (2, 20)")
		c.Values(`{"id":1}`, `{"id":2,"a":21}`)
		d := c.Document()
		d.Writer["column"] = []string{"id", "a"}
		d.Writer["loadProps"] = harness.Object{"format": "csv", "partial_update": true}
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		r := c.Done(d)
		c.WantRows("SELECT * FROM @t ORDER BY id", "1|10", "2|21")
		if len(r.Report.DirtyRecords) != 1 || r.Report.DirtyRecords[0].Column != "a" || !strings.Contains(r.Report.DirtyRecords[0].Reason, "must not overwrite what is missing") {
			t.Errorf("%+v", r.Report)
		}
	})
}

// What a condition needs is judged before the first row, and older rows do not replace newer ones.
func TestConditionalUpdates(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT NOT NULL, version BIGINT, a INT, b INT, name STRING", "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)")
		c.Exec("INSERT INTO " + c.Database + "." + c.Table + " VALUES (1, 5, 10, 100, 'x')")
		c.Values(`{"id":1,"version":4,"a":1}`, `{"id":1,"version":6,"b":2}`, `{"id":1,"a":3}`, `{"id":2,"version":1,"a":4}`)
		d := c.Document()
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		for condition, seen := range map[string]string{"id": "key column", "name": "does not compare", "nothing": "no column nothing"} {
			d.Writer["loadProps"] = harness.Object{"format": "json", "partial_update": true, "merge_condition": condition}
			if r := c.Run(d); r.Code != 2 || !strings.Contains(r.Said(), "steps[1].parameter.loadProps.merge_condition") || !strings.Contains(r.Said(), seen) {
				t.Errorf("%s: exit code %d, want 2\n%s", condition, r.Code, r.Said())
			}
		}
		d.Writer["loadProps"] = harness.Object{"format": "json", "partial_update": true, "merge_condition": "version"}
		r := c.Done(d)
		c.WantRows("SELECT id, version, a, b FROM @t ORDER BY id", "1|6|10|2", "2|1|4|NULL")
		if r.Report.Dirty != 1 {
			t.Errorf("%+v", r.Report)
		}
	})
}
