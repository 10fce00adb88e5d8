package deps

import "testing"

const (
	sandbox = "test/sandbox"
	engine  = "github.com/dolthub/..."
)

// ground is what stands on nothing of the stand-in.
var ground = []string{"clock", "fault", "jsonscan", "journal", "keep", "node", "release", "rowcount", "sketch", "sqlport/wire", "sqlport/lex"}

// sandboxLaws point downwards: store ← ingest, ledger ← load, sqlport ← sandbox ← cmd.
var sandboxLaws = func() []law {
	in := func(names ...string) []string {
		out := make([]string, len(names))
		for i, n := range names {
			out[i] = sandbox + "/" + n
		}
		return out
	}
	at := func(name string) string { return sandbox + "/" + name }
	all := []law{
		{of: at("store"), only: append(in("store", "jsonscan", "release", "sketch"), "github.com/google/uuid"), why: "tables know neither who fills them nor who asks"},
		{of: at("expression"), only: in("expression", "store"), direct: true, why: "loads and queries meet in expression, so it belongs to neither"},
		{of: at("ledger"), only: in("ledger", "clock"), why: "whoever writes enters his transactions there, loads and statements alike"},
		{of: at("ingest"), never: append(in("ledger", "load", "sqlport/...", "fault", "sabotage", "journal", "control"), sandbox, engine),
			why: "bodies become rows without a server, a transaction or a fault"},
		{of: at("load"), never: append(in("sqlport", "sqlport/builtin", "sqlport/ddl", "control", "cmd/..."), sandbox, engine),
			why: "the HTTP half runs without the engine; what it needs of SQL it is handed by the sandbox"},
		{of: at("sqlport/..."), never: append(in("load", "ingest", "control", "sabotage", "journal", "cmd/..."), sandbox),
			why: "the MySQL port knows loads by the ledger alone"},
		{of: at("control"), never: append(in("load", "ingest", "sqlport/...", "store", "sabotage", "cmd/..."), sandbox),
			why: "the control endpoint knows the rest by its own interfaces"},
		{of: at("sabotage"), never: append(in("load", "ingest", "ledger", "store", "sqlport", "control"), sandbox, engine),
			why: "faults stand around the servers, which work the same without"},
		{of: at("..."), except: append(in("cmd/..."), sandbox), never: []string{sandbox}, why: "the sandbox puts the parts together, not the other way round"},
		{of: at("..."), except: in("cmd/..."), never: in("cmd/..."), why: "a command is nobody's library"},
		{of: at("..."), never: []string{"core/...", "job/...", "plugins/...", "cmd/..."}, why: "the stand-in is for any client: what it shared with gx, it would get wrong like gx"},
	}
	for _, name := range ground {
		all = append(all, law{of: at(name), only: append(in(name), "golang.org/x/..."), direct: true, why: "it is ground that others stand on"})
	}
	return all
}()

func TestArrowsOfTheSandbox(t *testing.T) {
	uphold(t, module+"/test", sandboxLaws, listIn(t, "..", "-tags", "gms_pure_go", "./sandbox/..."))
}
