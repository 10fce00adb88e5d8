package convert

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka"
	"github.com/gx-etl/gx/plugins/starrocks"
)

// find looks a path up among options; what a map or an object of any keys holds is not known further.
func find(params []options.Param, path string) (options.Param, bool) {
	for _, p := range params {
		rest, ok := strings.CutPrefix(path, p.Name)
		switch {
		case !ok:
		case rest == "" || strings.HasPrefix(rest, "["):
			return p, true
		case strings.HasPrefix(rest, ".") && len(p.Children) > 0:
			return find(p.Children, rest[1:])
		case strings.HasPrefix(rest, ".") && (p.Type == "any" || strings.HasPrefix(p.Type, "map of")):
			return p, true
		}
	}
	return options.Param{}, false
}

// TestTargetsExist holds the rules to the options of the plugins: a key that was renamed there is missed here, and a default
// that changed there makes a table wrong.
func TestTargetsExist(t *testing.T) {
	reader, writer, setting := options.Describe(kafka.Options{}), options.Describe(starrocks.Params{}), job.Reference()
	places := 0
	for _, table := range Tables() {
		for _, e := range table.Rows {
			if e.To == "" {
				if e.Status == Mapped || e.Status == Default {
					t.Errorf("%s: %s leads nowhere", table.Name, e.Key)
				}
				continue
			}
			for path := range strings.SplitSeq(e.To, ", ") {
				places++
				params, key := setting, strings.TrimPrefix(path, "setting.")
				switch {
				case path == "name":
					continue
				case strings.HasPrefix(path, readerPath+"."):
					params, key = reader, strings.TrimPrefix(path, readerPath+".")
				case strings.HasPrefix(path, writerPath+"."):
					params, key = writer, strings.TrimPrefix(path, writerPath+".")
				case key == path:
					t.Errorf("%s: %s goes to %s, which is no part of a job", table.Name, e.Key, path)
					continue
				}
				p, ok := find(params, key)
				if !ok {
					t.Errorf("%s: %s goes to %s, and there is no such option", table.Name, e.Key, path)
				}
				if p.Default != "" && e.Here != "" && !strings.HasPrefix(e.Here, p.Default) {
					t.Errorf("%s: %s says that gx's default is %s, and it is %s", table.Name, e.Key, e.Here, p.Default)
				}
			}
		}
	}
	if places < 60 {
		t.Errorf("only %d places were looked at", places)
	}
}

func TestRulesSayWhatTheyDo(t *testing.T) {
	keys := map[string]bool{}
	for _, table := range Tables() {
		for _, e := range table.Rows {
			keys[e.Key] = true
			if (e.Status == Needless || e.Status == Unsupported || e.Status == Differs) && e.Note == "" {
				t.Errorf("%s: %s has no reason", table.Name, e.Key)
			}
			if e.Status == Unsupported && e.Try == "" && !strings.HasPrefix(e.Key, "value.converter.") {
				t.Errorf("%s: %s says nothing about what to do instead", table.Name, e.Key)
			}
		}
	}
	for key := range probes {
		if !keys[key] {
			t.Errorf("there is a probe for %s, and no rule", key)
		}
	}
}
