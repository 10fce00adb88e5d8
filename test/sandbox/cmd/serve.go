package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox"
)

// serve runs the servers until ctx ends.
func serve(ctx context.Context, args []string, out, errOut io.Writer) error {
	c := newCommandLine()
	done, err := parse(c.fs, aboutServe, args, out, errOut)
	if done {
		return err
	}
	if c.fs.NArg() > 0 {
		fmt.Fprintf(errOut, "unknown verb %q\n%s", c.fs.Arg(0), usage)
		return errUsage
	}
	if err := c.complete(); err != nil {
		fmt.Fprintf(errOut, "gx-sandbox: %v\ntry gx-sandbox --help\n", err)
		return errUsage
	}
	o := c.o
	if c.script != "" {
		text, err := os.ReadFile(c.script)
		if err != nil {
			return fmt.Errorf("--init: %w", err)
		}
		o.Init = string(text)
	}
	started := time.Now()
	s, err := sandbox.Start(ctx, o)
	if err != nil {
		return err
	}
	err = announce(s, o, c.ready, time.Since(started), out)
	if err == nil {
		<-ctx.Done()
		fmt.Fprintln(out, "gx-sandbox: stopping")
	}
	return errors.Join(err, s.Close())
}

func announce(s *sandbox.Sandbox, o sandbox.Options, ready string, took time.Duration, out io.Writer) error {
	kafka := s.KafkaAddr()
	if kafka == "" {
		kafka = "off"
	}
	var more strings.Builder
	if followers := s.FollowerAddrs(); len(followers) > 0 {
		fmt.Fprintf(&more, "  follower FEs      http://%s\n", strings.Join(followers, ", http://"))
	}
	if backends := s.BackendAddrs(); len(backends) > 1 {
		fmt.Fprintf(&more, "  further BEs       http://%s\n", strings.Join(backends[1:], ", http://"))
	}
	if o.Data != "" {
		fmt.Fprintf(&more, "  data in           %s\n", o.Data)
	}
	if o.Discard {
		more.WriteString("  discard mode: rows are counted, not stored\n")
	}
	_, err := fmt.Fprintf(out, `gx-sandbox is ready: StarRocks %s in %d ms
  Kafka             %s
  StarRocks FE      http://%s
  StarRocks BE      http://%s
  MySQL protocol    %s   (user root, no password)
  control           http://%s/   (a page; GET /help lists the rest)
%s`, s.Version(), took.Milliseconds(), kafka, s.FEAddr(), s.BEAddr(), s.QueryAddr(), s.ControlAddr(), more.String())
	if err != nil || ready == "" {
		return err
	}
	text, err := json.Marshal(struct {
		Kafka     string   `json:"kafka"`
		FEHTTP    string   `json:"feHttp"`
		FEQuery   string   `json:"feQuery"`
		BEHTTP    string   `json:"beHttp"`
		Control   string   `json:"control"`
		Followers []string `json:"followers"`
		Backends  []string `json:"backends"`
		Version   string   `json:"version"`
	}{s.KafkaAddr(), s.FEAddr(), s.QueryAddr(), s.BEAddr(), s.ControlAddr(), s.FollowerAddrs(), s.BackendAddrs(), s.Version()})
	if err != nil {
		return err
	}
	return writeAtomically(ready, append(text, '\n'))
}

// writeAtomically makes the file appear with all of its content or not at all.
func writeAtomically(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".gx-sandbox-*")
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("--ready-file: %w", err), os.Remove(f.Name()))
	}
	return nil
}
