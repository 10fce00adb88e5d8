package starrocks

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// Each load property reaches StarRocks as it is meant, and none is without a test.
func TestEveryLoadProperty(t *testing.T) {
	type sent map[string]string
	tested := map[string]bool{}
	for _, tc := range []struct {
		props string
		want  sent // "" is a header that must not be there
	}{
		{`"format":"CSV"`, sent{"format": "csv", "column_separator": `\x01`, "row_delimiter": `\x02`, "columns": "`id`,`city`", "strip_outer_array": ""}},
		{`"format":"json"`, sent{"format": "json", "strip_outer_array": "true", "ignore_json_size": "", "columns": "`id`,`city`", "column_separator": ""}},
		{`"column_separator":"\\x03"`, sent{"format": "csv", "column_separator": `\x03`}},
		{`"column_separator":"\\\\x03"`, sent{"column_separator": `\x03`}},
		{`"column_separator":"\t","row_delimiter":"\n"`, sent{"column_separator": `\x09`, "row_delimiter": `\x0A`}},
		{`"column_separator":"\\t","row_delimiter":"\\n"`, sent{"column_separator": `\x09`, "row_delimiter": `\x0A`}},
		{`"column_separator":"\u0001","row_delimiter":"0x02"`, sent{"column_separator": `\x01`, "row_delimiter": `\x02`}},
		{`"column_separator":"||","row_delimiter":"，"`, sent{"column_separator": "||", "row_delimiter": "，"}},
		{`"enclose":"'"`, sent{"enclose": "'", "format": "csv"}},
		{`"enclose":"'","escape":"!"`, sent{"escape": "!"}},
		{`"compression":"GZIP","format":"csv"`, sent{"format": "gzip", "compression": ""}},
		{`"compression":"lz4_frame","format":"csv"`, sent{"format": "lz4"}},
		{`"compression":"ZSTD","format":"json"`, sent{"format": "json", "compression": "zstd"}},
		{`"compression":"LZ4_FRAME","format":"json"`, sent{"compression": "lz4_frame"}},
		{`"ignore_json_size":true,"format":"json"`, sent{"ignore_json_size": "true"}},
		{`"strip_outer_array":"false","format":"json"`, sent{"strip_outer_array": "false"}},
		{`"strict_mode":"TRUE"`, sent{"strict_mode": "true"}},
		{`"trim_space":false,"format":"csv"`, sent{"trim_space": "false"}},
		{`"negative":true`, sent{"negative": "true"}},
		{`"partial_update":"FALSE"`, sent{"partial_update": "false"}},
		{`"partial_update":"TRUE","partial_update_mode":"Column"`, sent{"partial_update": "true", "partial_update_mode": "column"}},
		{`"partial_update_mode":"auto"`, sent{"partial_update_mode": "auto"}},
		{`"merge_condition":"v"`, sent{"merge_condition": "v"}},
		{`"max_filter_ratio":0.25`, sent{"max_filter_ratio": "0.25"}},
		{`"timeout":"259200"`, sent{"timeout": "259200"}},
		{`"timezone":"Asia/Shanghai"`, sent{"timezone": "Asia/Shanghai"}},
		{`"load_mem_limit":2147483648`, sent{"load_mem_limit": "2147483648"}},
		{`"exec_mem_limit":0`, sent{"exec_mem_limit": "0"}},
		{`"load_dop":4`, sent{"load_dop": "4"}},
		{`"log_rejected_record_num":-1`, sent{"log_rejected_record_num": "-1"}},
		{`"where":"id > 1 and city <> 'x'"`, sent{"where": "id > 1 and city <> 'x'"}},
		{`"columns":"id, tmp, city = upper(tmp)"`, sent{"columns": "id, tmp, city = upper(tmp)"}},
		{`"jsonpaths":["$.a","$.b.c"],"format":"json"`, sent{"jsonpaths": `["$.a","$.b.c"]`}},
		{`"jsonpaths":"[\"$.a\",\"$.b\"]","format":"json"`, sent{"jsonpaths": `["$.a","$.b"]`}},
		{`"json_root":"$.data","format":"json"`, sent{"json_root": "$.data"}},
		{`"partitions":"p1,p2"`, sent{"partitions": "p1,p2"}},
		{`"temporary_partitions":"tp"`, sent{"temporary_partitions": "tp"}},
		{`"transmission_compression_type":"LZ4"`, sent{"transmission_compression_type": "LZ4"}},
		{`"warehouse":"etl"`, sent{"warehouse": "etl"}},
	} {
		f := newFakeCluster(t)
		s := newSession(t)
		columns := `"column":["id","city"],`
		if strings.Contains(tc.props, `"columns"`) {
			columns = ""
		}
		s.mustOpen(params(f, columns+`"maxRetries":0,"loadProps":{`+tc.props+`}`), 64<<20)
		st := s.lane("0")
		st.send(1, "", people(1, 1, func(int) string { return "x" }))
		_ = st.finish() // what the load comes to is another matter
		loads := f.seen()
		if len(loads) == 0 {
			t.Errorf("%s: no load", tc.props)
			continue
		}
		for name, want := range tc.want {
			tested[name] = true
			if got, given := loads[0].header[http.CanonicalHeaderKey(name)]; strings.Join(got, ",") != want || given != (want != "") {
				t.Errorf("%s: %s is %q, want %q", tc.props, name, got, want)
			}
		}
	}
	for _, name := range streamload.KnownHeaders() {
		if !tested[name] {
			t.Errorf("no test says what becomes of %s", name)
		}
	}
}
