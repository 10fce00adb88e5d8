package fault

import (
	"maps"
	"slices"
)

// Kind names a fault.
type Kind string

// The faults that are known outside of the tables below, by those who show them.
const (
	Refuse Kind = "refuse"

	Delay           Kind = "delay"
	DelayFE         Kind = "delayFe"
	SlowRead        Kind = "slowRead"
	CutBody         Kind = "cutBody"
	CutRequest      Kind = "cutRequest"
	Silence         Kind = "silence"
	ContinueSilence Kind = "continueSilence"
	HTTPStatus      Kind = "http"
	FEStatus        Kind = "feHttp"
	BEStatus        Kind = "status"
	Answer          Kind = "answer"
	FollowerFE      Kind = "follower"
	AnswerBody      Kind = "answerBody"
	AnswerDelay     Kind = "answerDelay"
	AnswerLost      Kind = "answerLost"
	AnswerCut       Kind = "answerCut"
	AnswerHuge      Kind = "answerHuge"
	DropAfterCommit Kind = "dropAfterCommit"
	Denied          Kind = "denied"
	RedirectTo      Kind = "redirectTo"

	DelayBE          Kind = "delayBe"
	FEKeepAlive      Kind = "feKeepAlive"
	DropBeforeCommit Kind = "dropBeforeCommit"
	PublishTimeout   Kind = "publishTimeout"
	LoadFails        Kind = "loadFails"
	TooManyVersions  Kind = "tooManyVersions"
	MemoryLimit      Kind = "memoryLimit"
	DiskFull         Kind = "diskFull"
	CommitUnknown    Kind = "commitUnknown"

	SQLGreeting       Kind = "sqlGreeting"
	SQLDenied         Kind = "sqlDenied"
	SQLMaxConnections Kind = "sqlMaxConnections"
	SQLError          Kind = "sqlError"
	SQLDelay          Kind = "sqlDelay"
	SQLInfile         Kind = "sqlInfile"
	SQLKill           Kind = "sqlKill"
	SQLCut            Kind = "sqlCut"
	SQLSlow           Kind = "sqlSlow"
)

// The points a request passes, for kinds that can show at several.
const (
	AtBefore = "before" // nothing of the operation happens
	AtAfter  = "after"  // the operation has happened, its answer is not sent
	AtBegin  = "begin"  // the transaction has begun, 100 Continue not yet sent
	AtCommit = "commit" // the body is read, nothing committed
	AtAnswer = "answer" // the load is visible, not yet answered
)

// Where says what the events of a kind are.
type Where string

// The places. They decide which aims a kind has.
const (
	OnConnect   Where = "connection" // a TCP connection, before its first byte
	OnRequest   Where = "request"    // an HTTP request
	OnLoad      Where = "load"       // a load within the BE
	OnLogin     Where = "login"      // a client that logs in on the MySQL port
	OnStatement Where = "statement"  // a statement on the MySQL port
)

// Phase is when a kind is asked for.
type Phase int

// The phases of a connection and of a request.
const (
	Never     Phase = iota
	Connect         // a connection was accepted
	Before          // the headers are there, nothing was done
	After           // the operation is done, nothing was answered
	Inside          // within the load server, kind by kind
	Decision        // the body is read; the load can still fail
	Login           // the MySQL client has said who it is
	Statement       // a statement has arrived
)

// Info describes a kind.
type Info struct {
	Kind  Kind   `json:"kind"`
	Where Where  `json:"where"`
	Shows string `json:"shows"`
	// Needs and Takes are the JSON names of fields it must and may have.
	Needs []string `json:"needs,omitempty"`
	Takes []string `json:"takes,omitempty"`
	// At lists the points it can show at, the default first.
	At []string `json:"at,omitempty"`
	// Roles are the servers that can show it, Role the one that does when the
	// fault names no node; empty means any.
	Roles []Role `json:"roles,omitempty"`
	Role  Role   `json:"role,omitempty"`
	// Ops are the operations it can be aimed at, Default those it is aimed at when
	// the fault names none; empty means Ops.
	Ops     []Op `json:"ops,omitempty"`
	Default []Op `json:"default,omitempty"`

	// Bends says that the request goes on with it.
	Bends bool `json:"-"`
	// OnRedirect and OnCommit restrict it to answers that redirect and to those
	// that say the data is committed.
	OnRedirect bool `json:"-"`
	OnCommit   bool `json:"-"`
	// Says is what the server answers, for kinds that are one answer.
	Says Saying `json:"-"`

	phase Phase
}

// Saying is a prepared answer.
type Saying struct {
	Result string // word of Status
	Text   string // message; {db}, {label}, {user} and {host} are filled in
	Body   string // the whole body, for answers that are no JSON of the server
	// Location is where a redirect goes: {node} is the node that answers, {be} the
	// node it would have sent to, {to} the fault's To, {path} the path with query.
	// "-" leaves the header out.
	Location string
}

func (f *state) phase() Phase {
	if f.At == AtAfter && (f.info.phase == Before || f.info.phase == Decision) {
		return After
	}
	if f.At == AtBefore && f.info.phase == After {
		return Before
	}
	return f.info.phase
}

var httpRoles = []Role{FE, BE}

// request is the Info of a kind on HTTP requests.
func request(k Kind, p Phase, shows string) Info {
	return Info{Kind: k, Where: OnRequest, phase: p, Shows: shows, Roles: httpRoles, Ops: allOps, Default: Writes}
}

func (i Info) needs(fields ...string) Info { i.Needs = fields; return i }
func (i Info) takes(fields ...string) Info { i.Takes = fields; return i }
func (i Info) at(points ...string) Info    { i.At = points; return i }
func (i Info) by(r Role) Info              { i.Role = r; return i }
func (i Info) only(r Role) Info            { i.Role, i.Roles = r, []Role{r}; return i }
func (i Info) on(ops ...Op) Info           { i.Default = ops; return i }
func (i Info) bends() Info                 { i.Bends = true; return i }

// says makes the kind an answer of the server.
func (i Info) says(result, text string) Info {
	i.Says = Saying{Result: result, Text: text}
	return i.takes("text").at(AtBefore, AtAfter)
}

// body makes the kind an answer that no StarRocks gives.
func body(k Kind, shows, text string) Info {
	i := request(k, After, shows).by(BE).at(AtAfter, AtBefore).takes("status")
	i.Says.Body = text
	return i
}

// sends makes the kind a redirect to somewhere else.
func sends(k Kind, shows, location string) Info {
	i := request(k, After, shows).only(FE)
	i.OnRedirect, i.Says.Location = true, location
	return i
}

// inside is the Info of a kind that the load server shows.
func inside(k Kind, p Phase, shows string) Info {
	return Info{Kind: k, Where: OnLoad, phase: p, Shows: shows, Roles: httpRoles, Ops: []Op{StreamLoad, Prepare, Commit}}
}

func onSQL(k Kind, where Where, p Phase, shows string) Info {
	return Info{Kind: k, Where: where, phase: p, Shows: shows, Roles: []Role{SQL}, Role: SQL}
}

// kinds lists everything that can be armed, in the order of its documentation.
var kinds = []Info{
	{Kind: Refuse, Where: OnConnect, phase: Connect, Roles: []Role{FE, BE, SQL}, Takes: []string{"reset"},
		Shows: "the connection is accepted and closed at once, with reset by an RST"},

	request(Delay, Before, "the server waits ms before it looks at the request").needs("ms").bends(),
	request(DelayFE, Before, "the FE waits ms before it looks at the request").needs("ms").only(FE).bends(),
	request(SlowRead, Before, "the server takes bytesPerSecond of the body").needs("bytesPerSecond").by(BE).bends(),
	request(CutBody, Before, "the connection is cut when bytes of the body have arrived").needs("bytes").takes("reset").by(BE).bends(),
	request(CutRequest, Before, "the connection is cut when the headers have arrived").takes("reset"),
	request(Silence, Before, "nothing is answered for ms, then the connection is cut").needs("ms").takes("reset"),
	request(ContinueSilence, Before, "100 Continue is sent, then nothing for ms, then the connection is cut").needs("ms").takes("reset").by(BE),
	request(HTTPStatus, Before, "HTTP status with text and headers is the answer; before: at once, with the body unread").
		needs("status").takes("text", "headers").at(AtBefore, AtAfter),
	request(FEStatus, Before, "http at the FE").needs("status").takes("text", "headers").at(AtBefore, AtAfter).only(FE),
	request(BEStatus, Before, "http at the BE").needs("status").takes("text", "headers").at(AtBefore, AtAfter).only(BE),
	request(Answer, Before, "the server's own form of answer, with result as its Status and text as its message; on op state, result may be a state").
		needs("result").takes("text").at(AtBefore, AtAfter),

	request(Denied, Before, "wrong credentials, as after a password was changed: 401 at the FE, Fail at the BE").says("Fail", "Access denied for {user}@{host}"),
	request("runningTxnLimit", Before, "too many transactions are running in the database").by(BE).on(StreamLoad, Begin).
		says("Fail", "current running txns on db {db} is 1000, larger than limit 1000"),
	request("quota", Before, "the database is over its data quota").by(BE).on(StreamLoad, Begin).
		says("Fail", "Database[{db}] data size exceeds quota[100.000 GB]"),
	request("disableLoadJob", Before, "an operator has set disable_load_job").by(BE).on(StreamLoad, Begin, Commit).
		says("Fail", "disable_load_job is set to true, all load jobs are prevented"),
	request("safeMode", Before, "the cluster is in safe mode").by(BE).on(StreamLoad, Begin).
		says("Fail", "The cluster is under safe mode state, all load jobs are rejected."),
	request("limiter", Before, "all HTTP workers of the BE are busy").only(BE).on(StreamLoad).
		says("Fail", "Stream Load exceed http cuncurrent limit 47, please try again later"),
	request("shuttingDown", Before, "the BE is about to stop").only(BE).on(StreamLoad, Load).
		says("Fail", "Service is shutting down, please retry later!"),
	request("noBackend", Before, "the FE knows no BE that lives").only(FE).on(StreamLoad, Begin).
		says("FAILED", "class com.starrocks.common.DdlException: No backend alive."),
	request("notLeader", Before, "the FE has lost its leadership while it worked").by(FE).on(Begin, Prepare, Commit, Rollback).
		says("FAILED", "class com.starrocks.common.DdlException: current fe is not master"),
	request("txnInProcessing", Before, "another operation on the label is running").on(Load, Prepare, Commit, Rollback).
		says("TXN_IN_PROCESSING", "Transaction in processing, please retry later"),
	request("txnNotExists", Before, "the BE does not know the label").on(Load, Prepare, Commit, Rollback).
		says("TXN_NOT_EXISTS", "Transaction {label} not exist"),
	request("labelUnknown", Before, "the FE has never heard of the label, as one that is cut off").only(FE).on(State).
		says("UNKNOWN", ""),

	sends(RedirectTo, "the redirect goes to the host and port in to", "http://{to}{path}").needs("to"),
	sends("redirectDead", "the redirect goes to a port of the BE's host where nobody listens", "http://{behost}:1{path}"),
	sends("redirectLoop", "the redirect goes to the node that gives it", "http://{node}{path}"),
	sends("redirectHttps", "the redirect goes to the same BE by https", "https://{be}{path}"),
	sends("redirectMetadata", "the redirect goes to the metadata address of clouds", "http://169.254.169.254{path}"),
	sends("redirectUserinfo", "the redirect carries a user name and a password", "http://other:secret@{be}{path}"),
	sends("redirectNowhere", "the redirect has no Location", "-"),
	request(FollowerFE, Before, "307 to the FE in to, or to this very FE, in place of the operation").only(FE).takes("to").
		on(StreamLoad, Begin, Load, Prepare, Commit, Rollback, State, Cancel),

	request(AnswerBody, After, "the operation is done; 200 with text is the answer").takes("text", "status").at(AtAfter, AtBefore).by(BE),
	body("answerHtml", "the answer is a page of HTML, as from a proxy", "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"),
	body("answerBadJson", "the answer is JSON that ends in the middle", `{"TxnId": 7, "Label": "`),
	body("answerEmpty", "the answer has no body", ""),
	request(AnswerHuge, After, "the answer is JSON with a message of bytes, 10 GiB without bytes").takes("bytes", "status").at(AtAfter, AtBefore).by(BE),
	request(AnswerDelay, After, "the operation is done; the answer comes ms later").needs("ms").bends(),
	request(AnswerLost, After, "the operation is done; the connection is cut without an answer").takes("reset"),
	request(AnswerCut, After, "the operation is done; the connection is cut after bytes of the answer's body").takes("bytes", "reset"),
	commits(request(DropAfterCommit, After, "answerLost, for answers that say the data is committed").takes("reset").by(BE).on(StreamLoad, Commit)),

	begins(inside(DelayBE, Inside, "the BE waits ms at the point").needs("ms").at(AtBegin, AtCommit, AtAnswer).only(BE).bends()),
	{Kind: FEKeepAlive, Where: OnRequest, phase: Inside, Roles: []Role{FE}, Role: FE, Ops: []Op{StreamLoad},
		Shows: "the FE redirects as older ones do: the connection stays open, and what arrives on it is read and counted"},
	inside(DropBeforeCommit, Inside, "the body is read, the transaction aborted, the connection cut"),
	inside(PublishTimeout, Inside, "committed, answered as Publish Timeout, visible ms later").takes("ms"),
	inside(LoadFails, Decision, "the body is read, then the load fails with text").needs("text"),
	fails(TooManyVersions, "a tablet has too many versions", "Failed to load data into tablet {tablet}, because of too many versions, current/limit: 1002/1000. You can reduce the loading job concurrency, or increase loading data batch size."),
	fails(MemoryLimit, "the BE is short of memory", "Memory of process exceed limit. Start execute plan fragment. Used: 21474836480, Limit: 21474836480. Mem usage has exceed the limit of BE"),
	fails(DiskFull, "the disks of the BE are full", "Fail to write to disk: capacity limit exceeded, no available disk on backend {host}"),
	unknown(),

	onSQL(SQLGreeting, OnConnect, Connect, "text, or bytes that are no MySQL, stand in place of the greeting").takes("text"),
	onSQL(SQLDenied, OnLogin, Login, "error 1045, as after the password was changed"),
	onSQL(SQLMaxConnections, OnLogin, Login, "the user has max_user_connections open"),
	onSQL(SQLError, OnStatement, Statement, "the statement fails with code (1064 if none), sqlState and text").needs("text").takes("code", "sqlState"),
	onSQL(SQLDelay, OnStatement, Statement, "the statement begins ms later").needs("ms").bends(),
	onSQL(SQLSlow, OnStatement, Statement, "the result leaves at bytesPerSecond").needs("bytesPerSecond").bends(),
	onSQL(SQLInfile, OnStatement, Statement, "the server asks for the client's local file named text; what comes is counted in the request log").needs("text"),
	onSQL(SQLKill, OnStatement, Statement, "the query is killed after rows: error 1317 in place of the rest").takes("rows").bends(),
	onSQL(SQLCut, OnStatement, Statement, "the connection is cut after rows").takes("rows", "reset").bends(),
}

func begins(i Info) Info { i.Ops = append([]Op{Begin}, i.Ops...); return i }

func commits(i Info) Info { i.OnCommit = true; return i }

func fails(k Kind, shows, text string) Info {
	i := inside(k, Decision, "the body is read, then the load fails: "+shows)
	i.Says.Text = text
	return i
}

func unknown() Info {
	i := inside(CommitUnknown, Decision, "the commit call of the BE gets no answer; before: it never arrived and the load is rolled back, after: it did and the data is committed")
	i.Where = OnRequest
	i.Says = Saying{Result: "Fail", Text: "Commit transaction fail cause RPC timeout, Transaction status unknown, you can retry with same label."}
	return i.at(AtBefore, AtAfter)
}

var byKind = func() map[Kind]Info {
	m := map[Kind]Info{}
	for _, i := range kinds {
		m[i.Kind] = i
	}
	return m
}()

// Describe returns what a kind does and takes.
func Describe(k Kind) (Info, bool) {
	i, ok := byKind[k]
	return i, ok
}

// Kinds lists all kinds in the order of their documentation.
func Kinds() []Info { return slices.Clone(kinds) }

func kindNames() []string {
	names := make([]string, 0, len(byKind))
	for k := range maps.Keys(byKind) {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return names
}
