package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/produce"
)

const aboutProduce = `gx-sandbox produce sends each line of standard input to a Kafka topic as one message.

  gx-sandbox produce --kafka 127.0.0.1:9092 --topic orders --partitions 4 < orders.ndjson

The topic is created when it does not exist. Any Kafka broker will do.
`

func produceLines(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
	fs := flag.NewFlagSet("produce", flag.ContinueOnError)
	var o produce.Options
	brokers := fs.String("kafka", "127.0.0.1:9092", "`addresses` of brokers, separated by commas")
	fs.StringVar(&o.Topic, "topic", "", "`name` of the topic")
	fs.IntVar(&o.Partitions, "partitions", 1, "partitions of the topic if it is created")
	fs.StringVar(&o.KeySeparator, "key-separator", "", "`text` that ends the key of a line; the rest is the value")
	fs.StringVar(&o.Compression, "compression", "none", "none, gzip, snappy, lz4 or zstd")
	if done, err := parse(fs, aboutProduce, args, out, errOut); done {
		return err
	}
	if o.Topic == "" || fs.NArg() > 0 || o.Partitions < 1 {
		fmt.Fprintln(errOut, "gx-sandbox produce needs --topic NAME, at least one partition, and no further words")
		return errUsage
	}
	o.Brokers = strings.Split(*brokers, ",")
	started := time.Now()
	n, err := produce.Lines(ctx, o, in)
	fmt.Fprintf(out, "%d messages to %s in %.2f s\n", n, o.Topic, time.Since(started).Seconds())
	return err
}
