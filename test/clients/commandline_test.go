package clients

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox"
)

// mysql runs the command line client: MySQL's or MariaDB's, whichever is installed.
func mysql(t *testing.T, s *sandbox.Sandbox, stdin string, args ...string) result {
	t.Helper()
	host, port, _ := strings.Cut(s.QueryAddr(), ":")
	// A server without TLS is what these clients meet; MariaDB's asks for it from 11.4 on.
	return run(t, stdin, "mysql", append([]string{"--no-defaults", "-h" + host, "-P" + port, "--default-character-set=utf8mb4"}, args...)...)
}

func TestCommandLine(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		want  string
	}{
		{"databases", []string{"-uroot"}, "SHOW DATABASES", "Database\n_statistics_\ninformation_schema\nshop\nsys\n"},
		{"tables", []string{"-uroot", "--database=shop"}, "SHOW TABLES", "Tables_in_shop\neverything\nt\n"},
		{"another user", []string{"-uapp", "-ps3cret", "-D", "shop"}, "SELECT DATABASE() AS db", "db\nshop\n"},
		{"describe", []string{"-uroot", "shop"}, "DESC t",
			"Field\tType\tNull\tKey\tDefault\tExtra\nk\tint(11)\tNO\ttrue\tNULL\t\nv\tvarchar(8)\tYES\tfalse\tNULL\t\nn\tint(11)\tNO\tfalse\t7\t\n"},
		{"batch mode escapes", []string{"-uroot", "-N", "shop"}, "SELECT str, v, big FROM everything WHERE id = 1",
			"line\\nbreak\\ttab\tnaïve 😀\t170141183460469231731687303715884105727\n"},
		{"table mode", []string{"-uroot", "-t", "shop"}, "SELECT id, b, price, at FROM everything ORDER BY id",
			`+------+------+-----------------------------------------+----------------------------+
| id   | b    | price                                   | at                         |
+------+------+-----------------------------------------+----------------------------+
|    1 |    1 | 1234567890123456789012345678.0123456789 | 2024-01-02 03:04:05.123456 |
|    2 | NULL |                                    NULL | NULL                       |
+------+------+-----------------------------------------+----------------------------+
`},
		{"each type", []string{"-uroot", "-r", "-N", "shop"}, "SELECT id, b, t, s, i, l, big, f, d, price, day, at, c, v, str, HEX(bin), j, a, m, st FROM everything WHERE id = 1\\G", `*************************** 1. row ***************************
1
1
127
-32768
2147483647
-9223372036854775808
170141183460469231731687303715884105727
1.5
-0.1
1234567890123456789012345678.0123456789
2024-02-29
2024-01-02 03:04:05.123456
abc
naïve 😀
` + "line\nbreak\ttab" + `
00FF10
{"a":[1,"x",null]}
["a","b"]
{"k":1}
{"x":7,"y":"seven"}
`},
		{"several statements", []string{"-uroot", "-N", "shop"}, "INSERT INTO t VALUES (1, 'x', 2); SELECT * FROM t; TRUNCATE TABLE t; SELECT COUNT(*) FROM t;", "1\tx\t2\n0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := mysql(t, s, c.stdin, c.args...); r.code != 0 || r.err != "" || r.out != c.want {
				t.Errorf("code %d, errors %q\n got %q\nwant %q", r.code, r.err, r.out, c.want)
			}
		})
	}
}

func TestCommandLineStatus(t *testing.T) {
	r := mysql(t, start(t), "", "-uroot", "shop", "-e", `\s`)
	lines := map[string]string{}
	for _, l := range strings.Split(r.out, "\n") {
		if name, value, ok := strings.Cut(l, ":\t"); ok {
			lines[name] = strings.TrimSpace(value)
		}
	}
	for name, want := range map[string]string{
		"Current database": "shop", "Server version": "8.0.33 StarRocks", "Protocol version": "10", "Server characterset": "utf8mb4",
	} {
		if !strings.HasPrefix(lines[name], want) {
			t.Errorf("%s is %q, want %q\n%s", name, lines[name], want, r.out)
		}
	}
	if user := lines["Current user"]; !strings.Contains(user, "root") {
		t.Errorf("current user %q", user)
	}
}

func TestCommandLineErrors(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		name, statement, want string
		args                  []string
	}{
		{"wrong password", "SELECT 1", "ERROR 1045 (28000): Access denied for user 'root'@'127.0.0.1' (using password: YES)", []string{"-uroot", "-pwrong"}},
		{"no password", "SELECT 1", "ERROR 1045 (28000): Access denied for user 'app'@'127.0.0.1' (using password: NO)", []string{"-uapp"}},
		{"unknown user", "SELECT 1", "ERROR 1045 (28000): Access denied for user 'nobody'@'127.0.0.1' (using password: NO)", []string{"-unobody"}},
		{"unknown database at login", "SELECT 1", "ERROR 5501 (3F000): Unknown database 'nodb'", []string{"-uroot", "nodb"}},
		{"unknown table", "SELECT * FROM nope", "ERROR 5502 (42602) at line 1: Getting analyzing error. Detail message: Unknown table 'shop.nope'.", []string{"-uroot", "shop"}},
		{"unknown column", "SELECT nope FROM t", "ERROR 1064 (42000) at line 1: Getting analyzing error. Detail message: Column 'nope' cannot be resolved.", []string{"-uroot", "shop"}},
		{"no database", "SELECT * FROM t", "ERROR 1046 (3D000) at line 1: No database selected", []string{"-uroot"}},
		{"no statement at all", "FROB x", "Getting syntax error at line 1, column 0. Detail message: Unexpected input 'FROB'", []string{"-uroot"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := mysql(t, s, c.statement, c.args...); r.code != 1 || !strings.Contains(r.err, c.want) {
				t.Errorf("code %d\n got %s\nwant %s", r.code, r.err, c.want)
			}
		})
	}
}

// TestDump: mysqldump writes a table, and the mysql command line reads it back.
func TestDump(t *testing.T) {
	s := start(t)
	execute(t, s, `INSERT INTO shop.t VALUES (1, 'it''s', 2), (2, NULL, 3), (3, '"\\', 4); CREATE DATABASE copy`)
	host, port, _ := strings.Cut(s.QueryAddr(), ":")
	dump := run(t, "", "mysqldump", "--no-defaults", "-h"+host, "-P"+port, "-uroot", "--default-character-set=utf8mb4", "--no-tablespaces", "shop", "t")
	if dump.code != 0 || dump.err != "" || !strings.Contains(dump.out, "CREATE TABLE `t`") {
		t.Fatalf("code %d, %s\n%s", dump.code, dump.err, dump.out)
	}
	if r := mysql(t, s, dump.out, "-uroot", "copy"); r.code != 0 || r.err != "" {
		t.Fatalf("reading back: %s\n%s", r.err, dump.out)
	}
	const query = "SELECT * FROM t ORDER BY k"
	want, got := mysql(t, s, query, "-uroot", "-N", "shop"), mysql(t, s, query, "-uroot", "-N", "copy")
	if want.out != "1\tit's\t2\n2\tNULL\t3\n3\t\"\\\\\t4\n" || got != want {
		t.Errorf("got %q, the original is %q", got.out, want.out)
	}
}
