package sqlread

import (
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/jdbc"
)

// servers are what a jdbcUrl says.
type servers struct {
	addrs     []string // host:port, in the order in which they are tried
	tls       bool
	database  string
	zeroNulls bool // zeroDateTimeBehavior=convertToNull
}

func readServers(v options.Value, path, port string) (servers, []options.Problem) {
	s, problems := jdbc.Read(v, path, port)
	return servers{addrs: s.Addrs, tls: s.TLS, database: s.Database, zeroNulls: s.ZeroNulls}, problems
}
