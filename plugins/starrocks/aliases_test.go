package starrocks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
)

// Each name under which BladePipe, the Kafka connector and the Flink connector know a setting sets it, and the job hears under
// which name gx has read it.
func TestEveryAliasIsMapped(t *testing.T) {
	for _, tc := range []struct{ alias, key, value string }{
		{"host", "jdbcUrl", `"fe9:9031"`},
		{"jdbc-url", "jdbcUrl", `"jdbc:mysql://fe9:9031"`},
		{"starrocks.jdbc.url", "jdbcUrl", `"jdbc:mysql://fe9:9031"`},
		{"httpHost", "loadUrl", `"fe9:8031,fe8"`},
		{"load-url", "loadUrl", `"fe9:8031;fe8"`},
		{"starrocks.http.url", "loadUrl", `"fe9:8031,fe8"`},
		{"starrocks.username", "username", `"someone"`},
		{"starrocks.password", "password", `""`},
		{"database", "selectedDatabase", `"other"`},
		{"database-name", "selectedDatabase", `"other"`},
		{"starrocks.database.name", "selectedDatabase", `"other"`},
		{"table-name", "table", `"other"`},
		{"starrocks.table.name", "table", `"other"`},
		{"starrocks.topic2table.map", "topic2table", `"a:b,c:d"`},
		{"totalDataInMemMb", "totalBufferBytes", `128`},
		{"bufferflush.maxbytes", "totalBufferBytes", `134217728`},
		{"sink.buffer-flush.max-bytes", "totalBufferBytes", `"134217728"`},
		{"sink.buffer-flush.max-rows", "maxBatchRows", `50000`},
		{"flushBatchMb", "maxBatchSize", `16`},
		{"asyncFlushIntervalSec", "flushInterval", `10`},
		{"bufferflush.intervalms", "flushInterval", `10000`},
		{"sink.buffer-flush.interval-ms", "flushInterval", `"10000"`},
		{"realFlushPauseSec", "flushPauseMs", `2`},
		{"sink.label-prefix", "labelPrefix", `"nightly"`},
		{"sink.max-retries", "maxRetries", `7`},
		{"sink.maxretries", "maxRetries", `-1`},
		{"connect.timeoutms", "connectTimeoutMs", `3000`},
		{"sink.connect.timeout-ms", "connectTimeoutMs", `3000`},
		{"httpSoTimeoutSec", "httpTimeoutSec", `700`},
		{"soTimeoutSec", "queryTimeoutSec", `30`},
		{"defaultZeroDate", "zeroDate", `"2000-01-01"`},
		{"enableTimeZoneProcess", "convertTimeZone", `true`},
		{"timezone", "timeZone", `"America/New_York"`},
	} {
		base, _ := options.Parse([]byte("{" + enough + `,"jdbcUrl":"fe1","timeZone":"+08:00"}`))
		with := func(key, value string) (*Params, settings, []options.Problem) {
			return settled(t, "{"+override(strings.Trim(string(base.Without(tc.key).JSON()), "{}"), fmt.Sprintf("%q:%s", key, value))+"}")
		}
		p, s, problems := with(tc.alias, tc.value)
		if options.Failed(problems) {
			t.Errorf("%s: %v", tc.alias, problems)
		}
		if !slices.ContainsFunc(problems, func(p options.Problem) bool {
			return p.Code == options.CodeMapped && p.Path == options.Join("", tc.alias) && strings.Contains(p.Seen, "read as "+tc.key)
		}) {
			t.Errorf("%s: not noted as %s: %v", tc.alias, tc.key, problems)
		}
		value := map[string]string{"totalDataInMemMb": "134217728", "flushBatchMb": "16777216", "asyncFlushIntervalSec": "10000", "realFlushPauseSec": "2000"}[tc.alias]
		if value == "" {
			value = tc.value
		}
		wantP, wantS, _ := with(tc.key, value)
		if got, want := plain(p, s), plain(wantP, wantS); got != want {
			t.Errorf("%s gives\n%s, %s\n%s", tc.alias, got, tc.key, want)
		}
		defP, defS, _ := with("maxBatchRows", "500000")
		if tc.alias != "starrocks.password" && plain(p, s) == plain(defP, defS) {
			t.Errorf("%s has no effect", tc.alias)
		}
	}
}

// plain shows all that parameters come to.
func plain(p *Params, s settings) string {
	p.JdbcURL, p.LoadURL, p.Topic2Table = options.Value{}, options.Value{}, options.Value{}
	text, _ := json.Marshal(p)
	zone := ""
	if s.dates.zone != nil {
		zone = s.dates.zone.String()
	}
	return fmt.Sprintf("%s %v %v %s.%s %v %s %v %v %s", text, s.frontends, s.mysql, s.database, s.table, s.routes, s.user, s.answerTimeout, *s.dates.zero, zone)
}
