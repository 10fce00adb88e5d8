// Package starrocks is the StarRocks writer of gx: it gathers batches into loads and sends them by Stream Load.
package starrocks

import (
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// Plugin is the writer, ready for sdk.Serve.
func Plugin(version string) sdk.Plugin {
	const doc = "Loads rows and JSON documents into StarRocks tables by Stream Load."
	return sdk.Plugin{
		Name:    "starrocks-writer",
		Version: version,
		Doc:     doc,
		Writer: &sdk.WriterSpec{
			Doc:          doc,
			Capabilities: []string{protocol.CapBatch, protocol.CapStreaming, protocol.CapDocuments, protocol.CapColumns, protocol.CapTwoPhase},
			New:          func() sdk.Writer { return new(Writer) },
		},
	}
}
