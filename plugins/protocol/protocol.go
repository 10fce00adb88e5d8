// Package protocol is the only ground that the core and plugins share: the handshake, the limits, the faults that cross
// the process border, and (in wire and v1) what travels. It imports nothing else of gx.
package protocol

import (
	"time"

	plugin "github.com/hashicorp/go-plugin"
)

// Version is the protocol version that this tree speaks. New powers are flags in Describe, not new numbers.
const Version = 1

// ServiceName is the key of the one gRPC plugin in go-plugin's plugin set.
const ServiceName = "gx"

// Handshake tells a plugin that gx started it. It is no secret and protects nothing; it only makes a binary that was
// started by hand say so.
var Handshake = plugin.HandshakeConfig{
	MagicCookieKey:   "GX_PLUGIN",
	MagicCookieValue: "kafka-to-starrocks-and-beyond",
}

// OpColumn is the name of the column, and of the member of documents, that says what is to be done with a row: 0 upsert, 1 delete.
const OpColumn = "__op"

// LaneKey is the gRPC metadata key that names the lane of a Write stream, in decimal.
const LaneKey = "gx-lane"

// TransactionKey is the gRPC metadata key that names the transaction of a Write stream; without it there is none.
const TransactionKey = "gx-transaction"

// TransactionName is the most that the name of a transaction takes, in bytes. It has letters, digits and dashes.
const TransactionName = 64

// Capabilities that a RoleSpec may list.
const (
	CapBatch     = "batch"
	CapStreaming = "streaming"
	CapDocuments = "documents"
	CapColumns   = "columns"
	CapTwoPhase  = "two-phase"
	CapPositions = "positions" // a reader whose source keeps positions that users may look at and move
)

// Sizes and times that both ends agree on.
const (
	// MaxMessage bounds one gRPC message in either direction, in bytes.
	MaxMessage = 16 << 20
	// BatchBytes is the size of payload that a reader aims at.
	BatchBytes = 1 << 20
	// Window is the HTTP/2 flow control window of a stream and of a connection, in bytes. What lies in it is counted
	// as memory of the job: one window per hop and lane.
	Window = 4 << 20
	// TransportBuffer is the size of the gRPC read and write buffers of a connection, in bytes.
	TransportBuffer = 256 << 10
	// SocketBuffer is what both ends ask of the kernel for the unix socket, in bytes.
	SocketBuffer = 4 << 20
	// ParentPoll is how often a plugin looks whether its parent still lives.
	ParentPoll = time.Second
)

// EnvParent names the environment variable that holds the core's process id.
const EnvParent = "GX_PARENT_PID"
