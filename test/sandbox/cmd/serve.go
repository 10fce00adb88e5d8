package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gx-etl/gx/test/sandbox"
)

// users collects --user name:password flags.
type users map[string]string

func (u users) String() string { return "" }

func (u users) Set(v string) error {
	name, password, ok := strings.Cut(v, ":")
	if !ok || name == "" {
		return errors.New("expected name:password")
	}
	u[name] = password
	return nil
}

// parse reads flags; asking for help ends the program well.
func parse(fs *flag.FlagSet, about string, args []string, out, errOut io.Writer) (done bool, err error) {
	fs.SetOutput(errOut)
	fs.Usage = func() {}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(out)
		fmt.Fprint(out, about, "\nFlags:\n")
		fs.PrintDefaults()
		return true, nil
	case err != nil:
		fmt.Fprintf(errOut, "try gx-sandbox %s\n", strings.TrimSpace(fs.Name()+" --help"))
		return true, errUsage
	}
	return false, nil
}

func serve(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	o := sandbox.Options{Users: users{}}
	fs.StringVar(&o.Kafka, "kafka", "127.0.0.1:9092", "`address` of the Kafka broker, or off")
	fs.StringVar(&o.FEHTTP, "fe-http", "127.0.0.1:8030", "`address` of the FE's HTTP server")
	fs.StringVar(&o.FEQuery, "fe-query", "127.0.0.1:9030", "`address` of the FE's MySQL port")
	fs.StringVar(&o.BEHTTP, "be-http", "127.0.0.2:8040", "`address` of the BE's HTTP server")
	fs.StringVar(&o.Control, "control", "127.0.0.1:8031", "`address` of the control endpoint: GET /status, POST /fault, GET /requests")
	ready := fs.String("ready-file", "", "`file` to write the addresses to, as JSON, once all of them listen")
	script := fs.String("init", "", "SQL `file` to run before the servers open")
	fs.Var(users(o.Users), "user", "add a user, `name:password` (repeatable); root with an empty password is always there")
	fs.BoolVar(&o.Discard, "discard", false, "count the rows of loads but do not store them")
	done, err := parse(fs, usage+"\nPort 0 in an address chooses a free port.\n", args, out, errOut)
	if done {
		return err
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(errOut, "unknown verb %q\n%s", fs.Arg(0), usage)
		return errUsage
	}
	if *script != "" {
		text, err := os.ReadFile(*script)
		if err != nil {
			return fmt.Errorf("--init: %w", err)
		}
		o.Init = string(text)
	}
	o.WithKafka = o.Kafka != "off"
	s, err := sandbox.Start(ctx, o)
	if err != nil {
		return err
	}
	err = announce(s, o, *ready, out)
	if err == nil {
		<-ctx.Done()
		fmt.Fprintln(out, "gx-sandbox: stopping")
	}
	return errors.Join(err, s.Close())
}

func announce(s *sandbox.Sandbox, o sandbox.Options, ready string, out io.Writer) error {
	kafka := s.KafkaAddr()
	if kafka == "" {
		kafka = "off"
	}
	mode := ""
	if o.Discard {
		mode = "\n  discard mode: rows are counted, not stored"
	}
	_, err := fmt.Fprintf(out, `gx-sandbox is ready
  Kafka             %s
  StarRocks FE      http://%s
  StarRocks BE      http://%s
  MySQL protocol    %s   (user root, no password)
  control           http://%s/status%s
`, kafka, s.FEAddr(), s.BEAddr(), s.QueryAddr(), s.ControlAddr(), mode)
	if err != nil || ready == "" {
		return err
	}
	text, err := json.Marshal(struct {
		Kafka   string `json:"kafka"`
		FEHTTP  string `json:"feHttp"`
		FEQuery string `json:"feQuery"`
		BEHTTP  string `json:"beHttp"`
		Control string `json:"control"`
	}{s.KafkaAddr(), s.FEAddr(), s.QueryAddr(), s.BEAddr(), s.ControlAddr()})
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
