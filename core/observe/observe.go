// Package observe is how a run is seen: the logger, and numbers written for people.
package observe

import (
	"fmt"
	"io"
	"strconv"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logger writes one line a message: format "json" for machines, "text" for people. level is debug, info, warn or error.
func Logger(w io.Writer, level, format string) *zap.Logger {
	var l zapcore.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = zapcore.InfoLevel // the caller has judged the setting
	}
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.RFC3339TimeEncoder
	c.TimeKey, c.MessageKey = "time", "message"
	var enc zapcore.Encoder
	if format == "json" {
		enc = zapcore.NewJSONEncoder(c)
	} else {
		c.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05")
		c.LevelKey, c.CallerKey = zapcore.OmitKey, zapcore.OmitKey
		c.ConsoleSeparator = "  "
		enc = zapcore.NewConsoleEncoder(c)
	}
	return zap.New(zapcore.NewCore(enc, zapcore.Lock(zapcore.AddSync(w)), l))
}

// Count writes a number the short way: 950, 12.3k, 4.56M.
func Count(n int64) string {
	switch {
	case n < 10_000:
		return strconv.FormatInt(n, 10)
	case n < 1_000_000:
		return fmt.Sprintf("%.1fk", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.2fM", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.2fG", float64(n)/1e9)
	}
}

// Bytes writes a size in binary units.
func Bytes(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	}
}

// Waiting says who kept whom waiting, from the seconds that the reader found the channel full and the writer empty.
func Waiting(reader, writer float64) string {
	switch {
	case reader > 2*writer && reader > 0.1:
		return "the writer is the slower side"
	case writer > 2*reader && writer > 0.1:
		return "the reader is the slower side"
	default:
		return "both sides keep up"
	}
}
