package plan

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

func TestDirtyRecordsGetAWriter(t *testing.T) {
	p, problems := Build(parse(t, dataworks(`"dirty": {"type": "starrocks", "table": "bad", "loadUrl": ["fe:8030"]}`, "")), "r", false)
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	s := p.Sink
	if s == nil || s.Type != "starrocks" || s.Path != "setting.dirty" || s.TypePath != "setting.dirty.type" {
		t.Fatalf("%+v", s)
	}
	v, _ := options.Parse(s.Parameters)
	if v.Get("table").Text() != "bad" || v.Get("type").Given() || v.Get("strategyOnError").Text() != "rowDirtyData" ||
		len(v.Get("column").Items()) != len(DirtyColumns) || v.Lookup("loadProps.strict_mode").Text() != "true" || v.Lookup("loadProps.format").Text() != "json" {
		t.Errorf("%s", s.Parameters)
	}
	if sum := p.Memory.Core + p.Memory.Reader + p.Memory.Writer + p.Memory.Sink + 3*protocol.Window; sum != 256<<20 || p.Memory.Sink != 28<<20 {
		t.Errorf("memory %+v sums to %d with the windows", p.Memory, sum)
	}
}

// What the job says about the writer of its dirty records is not replaced.
func TestGivenParametersOfTheDirtyWriterStay(t *testing.T) {
	const dirty = `"dirty": {"type": "starrocks", "table": "bad", "column": ["reason", "record"], "strategyOnError": "exit",
		"loadProps": {"format": "csv", "strict_mode": false, "timeout": 30}}`
	p, problems := Build(parse(t, dataworks(dirty, "")), "r", false)
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	want := `{"table":"bad","column":["reason","record"],"strategyOnError":"exit","loadProps":{"format":"csv","strict_mode":false,"timeout":30}}`
	if got := string(p.Sink.Parameters); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestOtherWritersOfDirtyRecordsGetWhatIsWritten(t *testing.T) {
	p, _ := Build(parse(t, `{"job": {"setting": {"dirty": {"type": "kafka", "topic": "dead", "path": "x"}}, "content": [
		{"reader": {"name": "kafkareader", "parameter": {}}, "writer": {"name": "starrockswriter", "parameter": {}}}]}}`), "r", false)
	if p.Sink == nil || p.Sink.Path != "job.setting.dirty" || !strings.HasPrefix(p.Sink.TypePath, "job.setting.dirty.") ||
		string(p.Sink.Parameters) != `{"topic":"dead","path":"x","messageFormat":"raw"}` {
		t.Errorf("%+v", p.Sink)
	}
	for _, typ := range []string{"file", "stdout"} {
		if p, _ := Build(parse(t, dataworks(`"dirty": {"type": "`+typ+`"}`, "")), "r", false); p.Sink != nil || p.Memory.Sink != 0 {
			t.Errorf("%s: %+v %+v", typ, p.Sink, p.Memory)
		}
	}
}
