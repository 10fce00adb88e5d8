package plan

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
)

// between is a job with two transformer steps, and hops in the place of %s.
func between(order string) string {
	return `{"type": "job", "version": "2.0", "steps": [
	  {"stepType": "kafka", "name": "R", "category": "reader", "parameter": {}},
	  {"stepType": "expr", "name": "A", "category": "transformer", "parameter": {"add": [{"column": "x", "value": "a"}]}},
	  {"stepType": "expr", "name": "B", "category": "transformer", "parameter": {"add": [{"column": "a", "value": "1"}]}},
	  {"stepType": "starrocks", "name": "W", "category": "writer", "parameter": {}}]` + order + `}`
}

const (
	documentOrder = `{"from": "R", "to": "A"}, {"from": "A", "to": "B"}, {"from": "B", "to": "W"}`
	otherOrder    = `{"from": "B", "to": "A"}, {"from": "A", "to": "W"}, {"from": "R", "to": "B"}`
)

// Steps run in the order of the hops: only when B comes first is there a column a for A.
func TestTransformerSteps(t *testing.T) {
	for _, c := range []struct {
		order string
		works bool
	}{{"", false}, {`, "order": {"hops": [` + documentOrder + `]}`, false}, {`, "order": {"hops": [` + otherOrder + `]}`, true}} {
		p, problems := Build(parse(t, between(c.order)), "r", false)
		if len(problems) != 0 || p.Transform == nil || !p.Transform.Reshapes() {
			t.Fatalf("%v %+v", problems, p)
		}
		err := p.Transform.Arrange([]string{"id"}, nil)
		if (err == nil) != c.works {
			t.Errorf("order %s: %v", c.order, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "steps[1].parameter.add[0].value") {
			t.Error(err)
		}
	}
}

func TestTransformersWithoutOneWay(t *testing.T) {
	_, problems := Build(parse(t, between(`, "order": {"hops": [{"from": "R", "to": "A"}, {"from": "R", "to": "B"}, {"from": "A", "to": "W"}, {"from": "B", "to": "W"}]}`)), "r", false)
	if len(problems) != 1 || problems[0].Path != "order.hops" || problems[0].Code != options.CodeNotSupported {
		t.Fatalf("%v", problems)
	}
}

func TestTransformersOfSettings(t *testing.T) {
	p, problems := Build(parse(t, dataworks(`"transformer": [{"name": "dx_substr", "parameter": {"columnIndex": 4, "paras": ["0", "1"]}}]`, "")), "r", false)
	if len(problems) != 0 || p.Transform == nil || p.Transform.Reshapes() {
		t.Fatalf("%v", problems)
	}
	if p, problems = Build(parse(t, dataworks("", "")), "r", false); p.Transform != nil || len(problems) != 0 {
		t.Fatalf("%v", problems)
	}
	_, problems = Build(parse(t, dataworks(`"transformer": [{"name": "dx_substr", "parameter": {"columnIndex": 4, "paras": ["0", "x"]}}]`, "")), "r", false)
	if len(problems) != 1 || problems[0].Path != "setting.transformer[0].parameter.paras[1]" || problems[0].Line == 0 {
		t.Fatalf("%v", problems)
	}
	datax := `{"job": {"setting": {"transformer": [{"name": "dx_nothing", "parameter": {}}]}, "content": [{
		"reader": {"name": "kafkareader", "parameter": {}}, "writer": {"name": "starrockswriter", "parameter": {}},
		"transformer": [{"name": "dx_groovy", "parameter": {}}]}]}}`
	_, problems = Build(parse(t, datax), "r", false)
	if len(problems) != 2 || problems[0].Path != "job.content[0].transformer[0].name" || !strings.Contains(problems[0].Try, "expr") ||
		problems[1].Path != "job.setting.transformer[0].name" {
		t.Fatalf("%v", problems)
	}
}

func TestTransformerWithAProgram(t *testing.T) {
	doc := strings.Replace(between(""), `"name": "A",`, `"name": "A", "plugin": {"path": "x"},`, 1)
	_, problems := Build(parse(t, doc), "r", false)
	if len(problems) != 1 || problems[0].Path != "steps[1].plugin" {
		t.Fatalf("%v", problems)
	}
}
