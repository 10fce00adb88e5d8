package wire

import (
	"context"
	"net"

	"github.com/gx-etl/gx/plugins/protocol"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// SocketCredentials are no credentials at all: they only widen the kernel's buffers of the unix socket, which gRPC shows
// to nobody else. Without it every 200 KiB cost a wake-up of both sides.
func SocketCredentials() credentials.TransportCredentials {
	return socketCredentials{insecure.NewCredentials()}
}

type socketCredentials struct {
	credentials.TransportCredentials
}

func (s socketCredentials) ClientHandshake(ctx context.Context, authority string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	widen(c)
	return s.TransportCredentials.ClientHandshake(ctx, authority, c)
}

func (s socketCredentials) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	widen(c)
	return s.TransportCredentials.ServerHandshake(c)
}

func (s socketCredentials) Clone() credentials.TransportCredentials {
	return socketCredentials{s.TransportCredentials.Clone()}
}

// widen asks; a kernel that grants less still works.
func widen(c net.Conn) {
	if u, ok := c.(*net.UnixConn); ok {
		_ = u.SetReadBuffer(protocol.SocketBuffer)
		_ = u.SetWriteBuffer(protocol.SocketBuffer)
	}
}
