package starrocks

import "testing"

// A batch is acked when its load has an answer that is known to be a success, and never otherwise.
func TestOnlySuccessAcks(t *testing.T) {
	counts := `"NumberTotalRows":1,"NumberLoadedRows":1`
	for answer, landed := range map[string]bool{
		`{"Status":"Success",` + counts + `}`:                                                        true,
		`{"Status":"Publish Timeout",` + counts + `}`:                                                true,
		`{"Status":"FAILED","Message":"class com.starrocks.common.DdlException: No backend alive."}`: false,
		`{"Status":"Fail","Message":"new words"}`:                                                    false,
		`{"Status":"Sucess",` + counts + `}`:                                                         false,
		`{"Status":"success",` + counts + `}`:                                                        false,
		`{"Status":"OK",` + counts + `}`:                                                             false,
		`{` + counts + `}`:                                                                           false,
		`{"Status":"Label Already Exists","ExistingJobStatus":"FINISHED"}`:                           false,
		`{"Status":"Success","Label":"of-another-load",` + counts + `}`:                              false,
		` `:                                     false,
		`<html>It works!</html>`:                false,
		`null`:                                  false,
		`[{"Status":"Success",` + counts + `}]`: false,
	} {
		f := newFakeCluster(t)
		f.answer = func(fakeLoad) string { return answer }
		s := newSession(t)
		s.mustOpen(params(f, `"maxRetries":0,"strategyOnError":"batchDirtyData"`), 64<<20)
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`))
		err := st.finish()
		if (err == nil) != landed || (st.total.Landed == 1) != landed || (st.done[1] == 1) != landed || len(st.total.Dirty) != 0 {
			t.Errorf("%s: landed %d, done %v, dirty %d, %v", answer, st.total.Landed, st.done, len(st.total.Dirty), err)
		}
	}
}

// What ends a load, whichever of its limits comes first.
func TestMostOfALoad(t *testing.T) {
	for _, tc := range []struct {
		name         string
		kind         kind
		size, budget int64
		anySize      bool
		want         int64
		why          string
	}{
		{"as the job says", kindCSV, 1 << 30, 1 << 40, false, 1 << 30, whyBytes},
		{"JSON: what StarRocks takes", kindJSON, 1 << 30, 1 << 40, false, 100 << 20, whyBytes},
		{"documents, too", kindDocuments, 1 << 30, 1 << 40, false, 100 << 20, whyBytes},
		{"with ignore_json_size as the job says", kindJSON, 1 << 30, 1 << 40, true, 1 << 30, whyBytes},
		{"less than StarRocks takes", kindJSON, 5 << 20, 1 << 40, false, 5 << 20, whyBytes},
		{"half of the memory", kindCSV, 1 << 30, 64 << 20, false, 32 << 20, whyMemory},
	} {
		w := &Writer{params: Params{MaxBatchSize: tc.size}}
		w.set.props.anySize = tc.anySize
		l := &lane{w: w, budget: tc.budget}
		if got, why := l.most(&intake{target: &target{}, form: form{kind: tc.kind}}); got != tc.want || why != tc.why {
			t.Errorf("%s: %d for %s, want %d for %s", tc.name, got, why, tc.want, tc.why)
		}
	}
}
