package sabotage

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// noGreeting is longer than the header of a packet and says so much nonsense that
// no client can take it for a greeting.
const noGreeting = "SSH-2.0-OpenSSH_9.2\r\n\x00\x01\x02\x03\xff\xfe\xfd"

// greet sends text as it is, in place of a MySQL greeting, and hangs up.
func greet(c net.Conn, text string) {
	if text == "" {
		text = noGreeting
	}
	_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // a client that does not read is hung up on
	_, _ = io.WriteString(c, text)
	drop(c, false)
}

// tooManyConnections is the text of newer servers; the older one said that the
// user already has more than 'max_user_connections' active connections.
func tooManyConnections(user string) string {
	return fmt.Sprintf("Reach user-level(qualifiedUser: %s, currUserIdentity: '%s'@'%%') connection limit, currentUserMaxConn=100, connectionMap.size=100, connByUser.totConn=100, user.currConn=100", user, user)
}

// SQL returns the hooks that show the faults on the MySQL port of the node.
func (s *Saboteur) SQL(node fault.Node) wire.Hooks {
	return wire.Hooks{
		Listener: func(l net.Listener) net.Listener {
			node.Addr = l.Addr().String()
			return s.Listener(node, l)
		},
		Login: func(_ context.Context, who wire.Info) error { return s.login(node, who) },
		Statement: func(ctx context.Context, info wire.Info) *wire.Mishap {
			return s.statement(ctx, node, info)
		},
	}
}

func (s *Saboteur) login(node fault.Node, who wire.Info) error {
	all := s.Faults.ShowAll(fault.Login, fault.Event{Node: node, User: who.User, DB: who.DB})
	if len(all) == 0 {
		return nil
	}
	if all[0].Kind == fault.SQLMaxConnections {
		return wire.Errorf(1064, "HY000", "%s", tooManyConnections(who.User))
	}
	host, _, err := net.SplitHostPort(who.Host)
	if err != nil {
		host = who.Host
	}
	return wire.Errorf(1045, "28000", "Access denied for user '%s'@'%s' (using password: YES)", who.User, host)
}

func (s *Saboteur) statement(ctx context.Context, node fault.Node, info wire.Info) *wire.Mishap {
	all := s.Faults.ShowAll(fault.Statement, fault.Event{Node: node, User: info.User, DB: info.DB, Statement: info.Text})
	if len(all) == 0 {
		return nil
	}
	m := &wire.Mishap{}
	for _, f := range all {
		switch f.Kind {
		case fault.SQLDelay:
			s.wait(ctx, millis(f.Millis))
		case fault.SQLSlow:
			m.BytesPerSecond = f.BytesPerSecond
		case fault.SQLKill:
			m.AfterRows, m.RowErr = f.Rows, wire.Errorf(1317, "70100", "Query execution was interrupted: %v", wire.ErrKilled)
		case fault.SQLCut:
			m.AfterRows, m.Cut = f.Rows, func(c net.Conn) { drop(c, f.Reset) }
		case fault.SQLError:
			m.Err = sqlError(&f)
		case fault.SQLInfile:
			m.Infile, m.InfileGot = f.Text, s.file(node, info, f.Text)
		}
	}
	return m
}

func sqlError(f *fault.Fault) *wire.Error {
	e := &wire.Error{Code: f.Code, State: f.SQLState, Message: f.Text}
	if e.Code == 0 {
		e.Code = 1064
	}
	return e
}

// file keeps in the journal how much of a file the client has given away.
func (s *Saboteur) file(node fault.Node, info wire.Info, name string) func([]byte) {
	if s.Journal == nil {
		return nil
	}
	e := s.Journal.Add(journal.Request{Server: string(node.Role), Node: node.Addr, Remote: info.Host, Method: "LOCAL INFILE", Path: name, Query: info.Text,
		Proto: "MySQL", User: info.User, ContentLength: -1})
	return e.Received
}
