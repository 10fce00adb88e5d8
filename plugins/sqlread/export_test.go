package sqlread

import (
	"context"

	"github.com/gx-etl/gx/plugins/sdk"
)

// SendFunc is where a test takes batches.
type SendFunc func(sdk.Outgoing) error

// Send serves sender.
func (f SendFunc) Send(b sdk.Outgoing) error { return f(b) }

// ReadTo is Read without the wire.
func (r *Reader) ReadTo(ctx context.Context, shards []sdk.Shard, send SendFunc) error {
	return r.read(ctx, shards, send)
}

// ThroughDriver makes an opened reader read all rows through the driver, as it does where packets cannot be seen.
func (r *Reader) ThroughDriver() { r.settings.throughDriver = true }

// Expand is what a text of tables stands for.
var Expand = expand

// ParseDecimal and ParseTime read values.
var (
	ParseDecimal = parseDecimal
	ParseTime    = parseTime
)
