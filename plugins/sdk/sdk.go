// Package sdk is for authors of plugins, in this tree and elsewhere. A plugin is a value of type Plugin, given to Serve by
// a main function of three lines; a Reader or a Writer holds the work. The SDK decodes and judges the parameters, frames
// the batches, counts what is acked, and ends the process when the core is gone.
package sdk

import (
	"context"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// Fault is the error a user meets; make one with Faultf. Any other error reaches the user as an internal one.
type Fault = protocol.Fault

// Codes of a Fault.
const (
	Config      = protocol.Config
	NotFound    = protocol.NotFound
	Denied      = protocol.Denied
	Unreachable = protocol.Unreachable
	Data        = protocol.Data
	Refused     = protocol.Refused
	InDoubt     = protocol.InDoubt
	Unsupported = protocol.Unsupported
	Internal    = protocol.Internal
)

// Faultf makes a Fault; At and Hint add the place and what to try.
func Faultf(code protocol.Code, format string, args ...any) *Fault {
	return protocol.Faultf(code, format, args...)
}

// Plugin says what a plugin binary is. At least one of Reader and Writer is set.
type Plugin struct {
	Name    string // as users type it: "kafka-reader"
	Version string
	Doc     string // one sentence
	Reader  *ReaderSpec
	Writer  *WriterSpec
}

// ReaderSpec describes the reading side of a plugin.
type ReaderSpec struct {
	Doc          string
	Capabilities []string // protocol.Cap…
	New          func() Reader
}

// WriterSpec describes the writing side of a plugin.
type WriterSpec struct {
	Doc          string
	Capabilities []string
	New          func() Writer
}

// OpenInfo is what the core says about the run.
type OpenInfo struct {
	Job       string
	Run       string // unique per run, also of one that resumes another: letters, digits, dashes
	Streaming bool
	Lanes     int
	Memory    int64 // bytes of rows this plugin may hold at once, over all lanes
	// Peer is the other side; a reader finds the writer's columns here. Empty for the writer.
	Peer Peer
}

// Peer is what the two sides of a job tell each other through the core.
type Peer struct {
	Plugin string
	// Columns are the target's columns in the order in which a row's values should come.
	Columns []string
	// WantsColumns asks a reader of documents to project them to Columns.
	WantsColumns bool
	// WantsDestination asks a reader to name the destination of every batch, such as its topic: the writer has no table of
	// its own.
	WantsDestination bool
	// ColumnTypes are the types of Columns, in the words of the target and in lower case, such as "datetime"; nil: unknown.
	ColumnTypes []string
	// Keys are those of Columns by which the target tells rows apart, as a primary key; nil: unknown, or none.
	Keys []string
	// Operations says what the target makes of a last column OpColumn.
	Operations Operations
	// NoOperations is why the target does not apply operations, in words.
	NoOperations string
}

// OpColumn is the name of the column that says what is to be done with a row: OpUpsert or OpDelete.
const OpColumn = protocol.OpColumn

// The change operations of rows.
const (
	OpUpsert = 0
	OpDelete = 1
)

// Operations says what a writer makes of change operations.
type Operations uint8

// What a writer makes of change operations.
const (
	OperationsNone    Operations = iota // nothing: every row is one more
	OperationsApplied                   // it does what they say
	OperationsUnknown                   // it cannot tell, and Peer.NoOperations says why
)

// Opened is a plugin's answer to Open.
type Opened struct {
	Notes      []string // printed, a line each
	Self       Peer
	ReplaySafe bool     // writer: loading rows again changes nothing
	Columns    []string // reader: names of the columns it delivers
	Documents  bool     // reader: rows are whole JSON documents
	// Resumes tells of a streaming reader that its source holds a position of an earlier run.
	Resumes bool
	// Frozen tells of a reader that each of its shards can be read by itself, in any order, also by another process of the
	// same job: the descriptor holds all that Read needs.
	Frozen bool
	// Transactions tells of a TwoPhase writer that it takes transactions in this job.
	Transactions bool
	// NoTransactions is why a TwoPhase writer takes none, in words.
	NoTransactions string
}

// StartInfo is what is known when every plugin of the job is open.
type StartInfo struct {
	// Resumed: the job goes on where an earlier run stopped, whose rows must not be cleaned away.
	Resumed bool
}

// Shard is a part of the source.
type Shard struct {
	Name       string
	Descriptor []byte
	Rows       int64 // -1 when unknown
}

// ShardPosition is where a shard resumes.
type ShardPosition struct {
	Shard    string
	Position []byte
}

// Dirty is a record that did not become a row.
type Dirty struct {
	Sequence uint64 // writer: the batch …
	Row      int    // … and the row in it
	Place    string // where the record stands at its source, in words
	Reason   string
	Column   string
	Record   []byte // nil when there is none or it is not at hand, which differs from an empty one
	Key      []byte
	Origin   *Origin // of a message that its reader refuses; nil otherwise
}

// Origin is where a message stands, and what belongs to it beside key and value.
type Origin struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      int64 // Unix milliseconds, -1 when unknown
	Headers   []Header
}

// Header is one header of a message; a nil Value is none at all.
type Header struct {
	Name, Value []byte
}

// Reader reads one source. Read runs side by side for several lanes, and on one lane again after it has returned nil, with
// other shards; Commit may overlap Read. Everything else is called one at a time, in the order of the methods.
type Reader interface {
	// Config returns a pointer to the struct that takes the step's parameters (tags: package options). It is filled
	// before Open. When the struct has a method Check(path string) []options.Problem, that is asked too.
	Config() any
	// Open connects and looks whether the source is there. ctx lives for this call only. When it fails it leaves nothing
	// behind: Close is not called.
	Open(ctx context.Context, info OpenInfo) (Opened, error)
	// Split cuts the source; want is the number of lanes.
	Split(ctx context.Context, want int) ([]Shard, error)
	// Read sends the batches of its shards to out and returns nil when they are exhausted. When ctx ends it stops
	// soon and returns ctx.Err(), and keeps what Commit needs (such as its membership in a group) until Close.
	Read(ctx context.Context, lane int, shards []Shard, out *Out) error
	// Commit makes positions durable. It names shards that meanwhile belong to somebody else.
	Commit(ctx context.Context, positions []ShardPosition) (lost []string, err error)
	Close(ctx context.Context) error
}

// Writer writes one target. Write runs side by side for several lanes, and on one lane again after it has returned nil.
type Writer interface {
	Config() any
	// Open connects and verifies the target, and changes nothing. When it fails it leaves nothing behind: Close is not
	// called.
	Open(ctx context.Context, info OpenInfo) (Opened, error)
	// Start prepares the target, once per run, before the first batch.
	Start(ctx context.Context, info StartInfo) (notes []string, err error)
	// Write takes the batches of one lane until in.Batches is closed, then flushes, acks the rest and returns nil.
	// A signal on in.Flush asks to flush what was gathered so far. When ctx ends it stops soon, flushes nothing more and
	// returns ctx.Err().
	Write(ctx context.Context, lane int, in *In) error
	// Finish runs once after the last ack of a job that did not fail.
	Finish(ctx context.Context, stopped bool) (notes []string, err error)
	Close(ctx context.Context) error
}

// LiveChecker is a Reader or Writer that can verify its parameters against the real servers, changing nothing.
type LiveChecker interface {
	CheckLive(ctx context.Context) []options.Problem
}

// Laner is a Reader whose parameters may ask for a number of lanes, in the words of the tool that the job comes from.
type Laner interface {
	// Lanes is asked when the parameters are filled, before Open; 0 is no wish. It counts when the job itself names none.
	Lanes() int
}

// Decider is a Reader whose source can make positions and a writer's transactions final in one durable step.
type Decider interface {
	Decide(ctx context.Context, positions []ShardPosition, transactions []string) error
	Recover(ctx context.Context) (transactions []string, err error)
}

// TransactionState is what became of a transaction.
type TransactionState int

// The states of a transaction. TransactionUnknown is never turned into an action.
const (
	TransactionUnknown  TransactionState = iota // no evidence either way
	TransactionOpen                             // begun and not prepared: rows may be missing
	TransactionPrepared                         // complete, durable, invisible
	TransactionCommitted
	TransactionAborted
)

// TwoPhase is a Writer that can make rows durable before they are visible: In.Transaction of a lane names the transaction
// that its rows belong to. Each verb may be asked about a transaction that another process of the same job wrote, and may
// be repeated.
type TwoPhase interface {
	// Prepare makes a transaction durable whose Write has returned nil. It may be one into which no row was written.
	Prepare(ctx context.Context, transaction string) error
	// Commit makes a prepared transaction visible.
	Commit(ctx context.Context, transaction string) error
	// Abort throws a transaction away, prepared or not. One that never was is none to complain about.
	Abort(ctx context.Context, transaction string) error
	Resolve(ctx context.Context, transaction string) (TransactionState, error)
}
