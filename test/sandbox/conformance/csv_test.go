package conformance

import (
	"bytes"
	"fmt"
	"strings"
)

func csvBasics(e *env) {
	e.counts(e.ok(e.load("t", "1\ta\t5\n2\tb\t6")), 2, 2, 0, 0)
	e.counts(e.ok(e.load("t", "3\ta\t5\n\n4\tb\t6\n")), 2, 2, 0, 0)
	e.counts(e.ok(e.load("t", "5\t\\N\t5\n6\t\t5\n")), 2, 2, 0, 0)
	e.wantRows("t", "1|a|5", "2|b|6", "3|a|5", "4|b|6", "5|NULL|5", "6||5")
	// No CRLF magic: the \r belongs to the last field, unless the delimiter has it.
	e.create("s", tableText)
	e.ok(e.load("s", "1\ta\r\n"))
	e.ok(e.load("s", "2\ta\r\n", `row_delimiter: \x0D0A`))
	e.wantRows("s", "1|a\r", "2|a")
}

func nullIntoNotNull(e *env) {
	r := e.want(e.load("t", "1\ta\t\\N\n"), "Fail", "too many filtered rows")
	e.counts(r, 1, 0, 1, 0)
	if log := e.errorLog(r); log != "Error: NULL value in non-nullable column 'n'. Row: 1\ta\t\\N\n" {
		e.t.Errorf("log %q", log)
	}
	if !strings.HasPrefix(r.text("ErrorURL"), "http://"+e.BEAddr()+"/api/_load_error_log?file=error_log_") {
		e.t.Errorf("ErrorURL %s", r.text("ErrorURL"))
	}
	// The log keeps the first 50 errors.
	r = e.want(e.load("t", strings.Repeat("1\ta\t\\N\n", 120)), "Fail", "too many filtered rows")
	e.counts(r, 120, 0, 120, 0)
	if got := strings.Count(e.errorLog(r), "Error: "); got != 50 {
		e.t.Errorf("%d errors in the log", got)
	}
	e.wantRows("t")
}

func maxFilterRatio(e *env) {
	body := "1\ta\t1\n2\tb\t2\nx\tc\t3\n4\td\t4\n"
	e.want(e.load("t", body, "max_filter_ratio: 0.24"), "Fail", "too many filtered rows")
	r := e.ok(e.load("t", body, "max_filter_ratio: 0.25"))
	e.counts(r, 4, 3, 1, 0)
	e.errorLog(r)
	// Text that is no number counts as 0.
	e.want(e.load("t", body, "max_filter_ratio: much"), "Fail", "too many filtered rows")
	e.wantRows("t", "1|a|1", "2|b|2", "4|d|4")
}

func strictMode(e *env) {
	e.create("i", "(k INT NOT NULL, i INT NULL) DUPLICATE KEY(k)")
	e.counts(e.ok(e.load("i", "1\tx\n2\t99999999999\n3\t\n", "strict_mode: FALSE")), 3, 3, 0, 0)
	r := e.ok(e.load("i", "4\tx\n5\t99999999999\n6\t6\n7\t\\N\n", "strict_mode: True", "max_filter_ratio: 1"))
	e.counts(r, 4, 2, 2, 0)
	if log := e.errorLog(r); !strings.Contains(log, "(name = i, pos = 1) is out of range. Type: ") || !strings.Contains(log, "Value length: 1, Value: x") {
		e.t.Errorf("log %q", log)
	}
	e.wantRows("i", "1|NULL", "2|NULL", "3|NULL", "6|6", "7|NULL")
	e.counts(e.want(e.load("t", "x\ta\t1\n"), "Fail", "too many filtered rows"), 1, 0, 1, 0)
}

func filteredInBothModes(e *env) {
	fields := func(n int) []string {
		return []string{fmt.Sprintf(`Target column count: 3 doesn't match source value column count: %d. Column separator: '\t', Row delimiter: '\n'`, n)}
	}
	if !e.r.AtLeast(4, 0) { // the paper does not say when the words changed
		fields = func(n int) []string {
			return []string{
				fmt.Sprintf(`Target column count: 3 doesn't match source value column count: %d. Column separator: '\t', Row delimiter: '\n'`, n),
				fmt.Sprintf("Value count does not match column count. Expect 3, but got %d", n),
			}
		}
	}
	for _, strict := range []string{"strict_mode: true", "strict_mode: false"} {
		e.rejected(e.load("t", "1\ta\n", strict), fields(2)...)
		e.rejected(e.load("t", "1\ta\t5\t6\n", strict), fields(4)...)
		e.rejected(e.load("t", "1\t\xff\t5\n", strict), "Invalid UTF-8 row")
		e.rejected(e.load("t", "1\t三三三\t5\n", strict), "String (length=9) is too long. The max length of 'v' is 8")
		// Good rows beside them count.
		e.counts(e.ok(e.load("t", "1\t三三\t5\n1\ta\n", strict, "max_filter_ratio: 0.5")), 2, 1, 1, 0)
	}
	e.wantRows("t", "1|三三|5", "1|三三|5")
}

const tableText = "(k INT NOT NULL, s VARCHAR(100) NULL) DUPLICATE KEY(k)"

func delimiters(e *env) {
	e.create("s", tableText)
	e.ok(e.load("s", "1\x01a\tb\nc\x022\x01d\x02", `column_separator: \x01`, `row_delimiter: \x02`))
	e.wantRows("s", "1|a\tb\nc", "2|d")
	for i, sep := range []struct{ header, raw string }{
		{`\x0102`, "\x01\x02"}, {`\X0103`, "\x01\x03"}, {`0x2C`, ","}, {`0X7c7C`, "||"}, {"||", "||"}, {"&&", "&&"}, {"，", "，"},
	} {
		table := fmt.Sprintf("w%d", i)
		e.create(table, tableText)
		var body bytes.Buffer
		const n = 20000 // more than any buffer holds, so that delimiters meet its end
		for i := range n {
			fmt.Fprintf(&body, "%d%s%s\x03\x04\x03", i, sep.raw, strings.Repeat("y", i%40))
		}
		e.counts(e.ok(e.stream(table, &pieces{data: body.Bytes()}, "column_separator: "+sep.header, `row_delimiter: \x030403`)), n, n, 0, 0)
		if got := e.query(fmt.Sprintf("SELECT COUNT(*), SUM(k), SUM(LENGTH(s)) FROM %s.%s", e.db, table)); got[0] != "20000|199990000|390000" {
			e.t.Errorf("%s: %s", sep.header, got)
		}
	}
}

func badDelimiters(e *env) {
	for sep, message := range map[string]string{
		`\x1`:                   `Invalid delimiter '\x1': hex length must be a even number`,
		`\xZZ`:                  `invalid hex format`,
		`\x`:                    `empty hex string`,
		`0x`:                    `empty hex string`,
		`\x01\x02`:              `Invalid delimiter '\x01\x02': `,
		strings.Repeat(",", 51): `The valid bytes length for 'column separator' is [1, 50]`,
	} {
		e.want(e.load("t", "1\ta\t5\n", "column_separator: "+sep), "Fail", message)
	}
	e.want(e.load("t", "1\ta\t5\n", `row_delimiter: \x1`), "Fail", `Invalid delimiter '\x1': hex length must be a even number`)
	e.want(e.load("t", "1\ta\t5\n", "row_delimiter: "+strings.Repeat("，", 17)), "Fail", "The valid bytes length for 'row delimiter' is [1, 50]")
	// Two characters are two bytes, not one: the tab is then no separator.
	e.rejected(e.load("t", "1\ta\t5\n", `column_separator: \t`), "column count")
	e.ok(e.load("t", `1\ta\t5`+"\n", `column_separator: \t`))
	e.wantRows("t", "1|a|5")
}

func enclose(e *env) {
	e.create("s", tableText)
	e.counts(e.ok(e.load("s", "1\t\"a\tb \"\"c\"\"\n\"\n\"2\"\txy\n3\t\"\\N\"\n4\t\"\"\n", `enclose: "`)), 4, 4, 0, 0)
	e.wantRows("s", "1|a\tb \"c\"\n", "2|xy", "3|NULL", "4|")
	e.create("esc", tableText)
	e.counts(e.ok(e.load("esc", "1\ta\\\tb\\\nc\\\\d\n2\t\"x\\\"y\"\n", `escape: \`, `enclose: "`)), 2, 2, 0, 0)
	e.wantRows("esc", "1|a\tb\nc\\d", "2|x\"y")
}

func encloseIgnored(e *env) {
	e.create("s", tableText)
	e.counts(e.ok(e.load("s", "1\t\"a\"\"b\"\n2\tx\\y\n", `enclose: "`, `escape: \`)), 2, 2, 0, 0)
	e.wantRows("s", "1|\"a\"\"b\"", "2|x\\y")
	e.rejected(e.load("s", "3\t\"a\tb\"\n", `enclose: "`), "column count")
}

func skipHeader(e *env) {
	e.counts(e.ok(e.load("t", "k\tv\tn\n1\ta\t5\n", "skip_header: 1")), 1, 1, 0, 0)
	e.want(e.load("t", "1\ta\t5\n", "skip_header: -1"), "Fail", "skip_header must be equal or greater than 0")
	r := e.load("t", "1\ta\t5\n", "skip_header: 3")
	if r.text("Status") != "Fail" || !strings.Contains(strings.ToLower(r.text("Message")), "end of file") {
		e.t.Errorf("more lines skipped than there are: %s", r.body)
	}
	e.wantRows("t", "1|a|5")
}

func skipHeaderIgnored(e *env) {
	r := e.ok(e.load("t", "k\tv\tn\n1\ta\t5\n", "skip_header: 1", "max_filter_ratio: 0.5"))
	e.counts(r, 2, 1, 1, 0)
	e.ok(e.load("t", "1\ta\t5\n", "skip_header: -1"))
	e.wantRows("t", "1|a|5", "1|a|5")
}
